/** What somebody can do with a message: answer, copy, edit, remove and react to it, or go to the one that it answers. */
import { ComposerContext } from './composer.js';
import { newKey } from './draft.js';
import { text } from './language.js';
import { loadMenu, loadReach, loadViewer } from './later.js';
import { shownName } from './names.js';
import { compareIds } from './positions.js';
import { recallInTab, rememberInTab } from './storage.js';

const LOAD_AGAIN_MS = 5000;
const CHANGES = /** @type {const} */ (['edit', 'remove']);

export class MessageActions {
  /** @type {import('./message-menu.js').MessageMenu | undefined} */ #menu;

  /**
   * @param {{ me: string, frame: Frame, outbox: import('./outbox.js').Outbox, notes: import('./notes.js').NoteLine,
   *   view: import('./log-view.js').LogView, pages: import('./shown-pages.js').ShownPages,
   *   composer: ReturnType<typeof import('./composer.js').prepareComposer>,
   *   isOwn: (message: ShownMessage) => boolean, shown: () => ShownMessage[], show: () => void }} options
   */
  constructor(options) {
    this.options = options;
    const { me, frame, outbox, view, composer, isOwn } = options;
    this.answered = `answered/${me}/${outbox.options.other}`;
    this.context = new ComposerContext(frame, {
      isOwn,
      onEnd: ({ kind }) => (kind === 'edit' ? composer.showDraft() : rememberInTab(this.answered, '')),
    });
    const messageAt = (/** @type {EventTarget | null} */ target) => view.rows.messageAt(target);
    const reach = {
      onMenu: (/** @type {HTMLElement} */ row, /** @type {DOMRect} */ place) => void this.#openMenu(row, place),
      onReply: (/** @type {HTMLElement} */ row) => this.#do('reply', messageAt(row)),
    };
    const load = () => {
      void loadReach().then(
        ({ reachMessages }) => reachMessages(frame, reach),
        () => setTimeout(load, LOAD_AGAIN_MS), // the server is away
      );
    };
    load();
    frame.log.addEventListener('click', ({ target }) => {
      const message = messageAt(target);
      const button = target instanceof Element && target.closest('button');
      if (!button || !message) return;
      if (button.matches('.picture:has(img)')) void this.#openViewer(button);
      if (button.matches('.quote') && message.replyTo) void this.#goTo(message.replyTo);
      const { emoji } = button.dataset;
      if (emoji) this.#react(message, emoji === message.reactions[options.me] ? '' : emoji);
    });
  }

  /** @param {string} message @param {string} key @param {import('./tray.js').Ready[]} files */
  send(message, key, files) {
    const { outbox } = this.options;
    const context = this.context.current;
    this.context.end();
    if (context?.kind !== 'edit') void outbox.add({ message, key, replyTo: context?.message.id }, files);
    else if (message !== context.message.message) this.#edit(context.message, { message, key });
    return context?.kind !== 'edit';
  }

  /** @param {ShownMessage} edited which may have been sent meanwhile @param {{ message: string, key: string }} text */
  #edit({ identity, key = '' }, text) {
    const of = this.options.shown().find((one) => one.identity === identity)?.id;
    if (of === undefined) this.options.outbox.replace(key, text.message);
    else this.#change({ event: 'edit', of, ...text });
  }

  editLast() {
    const { shown, isOwn } = this.options;
    const last = shown().findLast((one) => this.#actionsFor(one).includes('edit') && isOwn(one));
    if (last) this.#do('edit', last);
  }

  /** After a reload, the draft still answers the same message. */
  resume() {
    if (!this.context.current) this.#do('reply', this.#shown(recallInTab(this.answered)));
  }

  /** What the box is for may have changed. */
  refresh() {
    const { current } = this.context;
    const message = current && this.#shown(current.message.id);
    if (message) this.context.show(message);
  }

  /** The log is silent about what changes in it. @param {MessageChange[]} changes that have come */
  announce(changes) {
    const last = changes.findLast(({ sender, emoji }) => sender !== this.options.me && emoji !== '');
    if (!last) return;
    const { event, sender, message = '', emoji = '' } = last;
    this.options.notes.status.say(text(`told.${event}`, { who: shownName(sender), message, emoji }));
  }

  /** @param {ShownMessage} message which is not sent, or not changed @param {'retry' | 'delete'} action */
  chooseForUnsent({ key = '', change }, action) {
    const { frame, outbox, notes } = this.options;
    frame.box.focus({ preventScroll: true }); // the button goes away
    if (action === 'retry') return outbox.retry(change?.key ?? key);
    const deleted = outbox.takeBack(change?.key ?? key);
    if (deleted && !change) notes.offerUndo(() => outbox.restore(deleted));
  }

  /** @param {HTMLElement} picture */
  async #openViewer(picture) {
    const { openViewer } = await loadViewer();
    openViewer(picture, () => this.options.notes.show('pictureRemoved', 10));
  }

  /** @param {HTMLElement} row @param {DOMRect} place */
  async #openMenu(row, place) {
    const loaded = await loadMenu().catch(() => undefined); // the server is away: the next try loads it again
    const message = this.options.view.rows.messageAt(row);
    if (!loaded || !message || !this.#actionsFor(message).length) return;
    if (row.matches('.chosen')) return; // a long press is also told as a right click
    this.#menu ??= new loaded.MessageMenu(this.options.frame);
    const from = document.activeElement;
    const choices = {
      actions: this.#actionsFor(message),
      reacted: message.id === undefined ? undefined : (message.reactions[this.options.me] ?? ''),
      onAction: (/** @type {import('./message-menu.js').Action} */ action) => this.#do(action, message),
      onReact: (/** @type {string} */ emoji) => this.#react(message, emoji),
    };
    this.#menu.open(place, choices, () => {
      row.classList.remove('chosen');
      if (from instanceof HTMLElement) from.focus({ preventScroll: true });
    });
    row.classList.add('chosen');
  }

  /** @param {ShownMessage} message @returns {import('./message-menu.js').Action[]} */
  #actionsFor(message) {
    const { lacks } = this.options.pages.options.history;
    /** @type {import('./message-menu.js').Action[]} */
    const copy = message.message ? ['copy'] : []; // a file has no text
    if (message.isRemoved) return copy;
    if (message.id === undefined) return [...copy, 'edit', 'delete'];
    if (!this.options.isOwn(message) || message.viaFile) return ['reply', ...copy];
    return ['reply', ...copy, ...CHANGES.filter((one) => !lacks.includes(one))];
  }

  /** @param {string | undefined} wanted its id */
  #shown(wanted) {
    return wanted ? this.options.shown().findLast(({ id }) => id === wanted) : undefined;
  }

  /** @param {import('./message-menu.js').Action} action @param {ShownMessage | undefined} message */
  #do(action, message) {
    if (!message || message.isRemoved) return;
    const { composer } = this.options;
    if (action === 'copy') void this.#copy(message.message);
    else if (action === 'remove') this.#change({ event: 'remove', of: message.id });
    else if (action === 'delete') this.chooseForUnsent(message, 'delete');
    else {
      this.context.begin({ kind: action, message });
      if (action === 'edit') composer.showInstead(message.message);
      else rememberInTab(this.answered, message.id ?? '');
    }
  }

  /** @param {ShownMessage} message @param {string} emoji */
  #react({ id, isRemoved }, emoji) {
    if (id !== undefined && !isRemoved) this.#change({ event: 'react', of: id, emoji });
  }

  /** It takes the place of one that failed. @param {Partial<Letter>} change */
  #change(change) {
    const { outbox } = this.options;
    for (const { key, event, of, failed } of outbox.letters)
      if (failed && of === change.of && (event === change.event || change.event === 'remove')) outbox.delete(key);
    void outbox.add({ message: '', key: newKey(), ...change });
  }

  /** @param {string} message */
  async #copy(message) {
    const { status } = this.options.notes;
    try {
      await navigator.clipboard.writeText(message);
    } catch {
      copyByHand(message);
    }
    status.say(text('copied'));
  }

  /** Loads earlier messages until this one is among them. @param {string} id */
  async #goTo(id) {
    const { pages, view, show, notes } = this.options;
    const history = pages.pages;
    while (!this.#shown(id) && history.hasMore && compareIds(history.oldest, id) > 0) {
      if (!(await history.readEarlier())) return;
      view.leaveNewest();
      show();
    }
    const found = this.#shown(id);
    if (found) view.reveal(found.identity);
    else notes.show('gone', 5);
  }
}

/** On plain-http addresses of a network, there is no clipboard. @param {string} message */
function copyByHand(message) {
  const box = document.createElement('textarea');
  const from = document.activeElement;
  box.value = message;
  document.body.append(box);
  box.select();
  document.execCommand('copy');
  box.remove();
  if (from instanceof HTMLElement) from.focus({ preventScroll: true });
}
