/** Where files for the next message come in: two buttons, pasting and dropping. */
import { element } from './elements.js';
import { say, sayIn } from './language.js';
import { loadTray, loadUploads } from './later.js';

const DRAGGING_FOR_MS = 500;

/** @typedef {import('./tray.js').Tray} Tray */

export class Attaching {
  /** @type {Tray | undefined} */ #tray;
  /** @type {Promise<Tray> | undefined} */ #loading;
  #tools = element('div', { class: 'tools' }, ...this.#tool('camera'), ...this.#tool('attach'));
  #isAway = false;

  /** @param {Frame} frame @param {(problem: string, values?: import('./language.js').Values) => void} onProblem */
  constructor(frame, onProblem) {
    this.frame = frame;
    this.onProblem = onProblem;
    const field = element('div', { class: 'box' });
    frame.box.replaceWith(field);
    field.append(frame.box, this.#tools);
    document.addEventListener('paste', (event) => this.#paste(event));
    this.#watchDrops();
  }

  get isEmpty() {
    return this.#isAway || !this.#loading || this.#tray?.isEmpty === true;
  }

  /** Resolves to whether all files can be sent. Undefined once all are prepared. @returns {Promise<boolean> | undefined} */
  get preparing() {
    if (this.isEmpty) return undefined;
    return this.#tray
      ? this.#tray.preparing
      : this.#loading?.then(
          () => true,
          () => false,
        );
  }

  /** The files, which leave the tray. */
  take() {
    return this.isEmpty ? [] : (this.#tray?.take() ?? []);
  }

  /** The box is used for something that has no files. @param {boolean} away */
  set isAway(away) {
    this.#isAway = away;
    this.#tools.hidden = away;
    if (this.#tray) this.#tray.isAway = away;
  }

  /** The server takes no files. */
  end() {
    this.#tools.remove();
  }

  /** @param {Iterable<File>} files */
  async #add(files) {
    const chosen = [...files];
    if (!this.#tools.isConnected) return this.onProblem('refusedFile');
    // What is in the tray can be sent.
    this.#loading ??= Promise.all([loadTray(), loadUploads()]).then(([{ Tray }]) => {
      this.#tray = new Tray(this.frame, this.onProblem);
      this.#tray.isAway = this.#isAway;
      return this.#tray;
    });
    try {
      (await this.#loading).add(chosen);
    } catch {
      this.#loading = undefined;
      this.onProblem('noAnswer');
    }
  }

  /** @param {'attach' | 'camera'} name */
  #tool(name) {
    const input = element('input', { type: 'file', hidden: true, multiple: true });
    if (name === 'camera') Object.assign(input, { accept: 'image/*', capture: 'environment' });
    const tool = element('button', { type: 'button', class: `icon-button ${name}` });
    for (const attribute of ['aria-label', 'title']) sayIn(tool, attribute, name);
    tool.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      void this.#add(input.files ?? []);
      input.value = ''; // so that the same file can be chosen again
    });
    return [input, tool];
  }

  /** Programs that put text on the clipboard often add a picture of it. @param {ClipboardEvent} event */
  #paste(event) {
    const { clipboardData: data } = event;
    if (!data?.files.length || (data.types.includes('text/plain') && data.types.includes('text/html'))) return;
    event.preventDefault();
    void this.#add(data.files);
  }

  #watchDrops() {
    const hint = say(element('p', { class: 'drop-here', hidden: true }), 'dropHere');
    this.frame.form.before(hint);
    let end = 0;
    document.addEventListener('dragover', (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      hint.hidden = false;
      clearTimeout(end);
      end = setTimeout(() => (hint.hidden = true), DRAGGING_FOR_MS);
    });
    document.addEventListener('drop', (event) => {
      hint.hidden = true;
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      void this.#add(event.dataTransfer.files);
    });
  }
}
