/** Which part of a conversation the log shows: the messages up to the newest, or those around one that was found. And the way up. */
export class ShownPages {
  /**
   * @param {{ frame: Frame, history: import('./history-pages.js').HistoryPages,
   *   view: import('./log-view.js').LogView, show: () => void }} options
   */
  constructor(options) {
    this.options = options;
    this.pages = options.history;
    const { earlier, log } = options.frame;
    earlier.addEventListener('click', () => {
      void this.loadEarlier().then(() => (earlier.hidden ? log : earlier).focus({ preventScroll: true }));
    });
  }

  get conversation() {
    return this.pages.conversation;
  }

  /** Whether newer messages than these exist. */
  get arePast() {
    return this.pages !== this.options.history;
  }

  async loadEarlier() {
    const { frame, view, show } = this.options;
    const { earlier } = frame;
    if (earlier.disabled) return;
    if (!view.hasMoreAbove && this.pages.hasMore) {
      earlier.disabled = true;
      const came = await this.pages.readEarlier();
      earlier.disabled = false;
      if (!came) return;
      view.leaveNewest();
      show();
    } else view.showEarlier();
    view.turnToEarlier();
    this.showTop();
  }

  showTop() {
    const { frame, view } = this.options;
    const more = view.hasMoreAbove || this.pages.hasMore;
    // Touches the log only where something changes.
    frame.earlier.toggleAttribute('hidden', !more);
    frame.start.toggleAttribute('hidden', more || this.conversation.messages.length === 0);
  }

  /** @param {MessageChange[]} changes */
  change(changes) {
    this.options.history.change(changes);
    if (this.arePast) this.conversation.change(changes);
  }

  toNewest() {
    if (this.arePast) this.turnTo(this.options.history);
  }

  /** @param {import('./history-pages.js').HistoryPages} pages */
  turnTo(pages) {
    const { view, show } = this.options;
    view.leaveNewest();
    this.pages = pages;
    view.isPast = this.arePast;
    show();
  }
}
