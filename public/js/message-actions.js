/** What somebody can do with a message. */

export class MessageActions {
  /** @param {{ frame: Frame, outbox: import('./outbox.js').Outbox, notes: import('./notes.js').NoteLine }} options */
  constructor(options) {
    this.options = options;
  }

  /** @param {ShownMessage} message which was not sent, or not changed @param {'retry' | 'delete'} action */
  chooseForFailed({ key = '', change }, action) {
    const { frame, outbox, notes } = this.options;
    frame.box.focus({ preventScroll: true }); // the button goes away
    if (action === 'retry') return outbox.retry(change?.key ?? key);
    const deleted = outbox.delete(change?.key ?? key);
    if (deleted) notes.offerUndo(() => outbox.restore(deleted));
  }
}
