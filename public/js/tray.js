/** The files chosen for the next message, above the box. */
import { element } from './elements.js';
import { MOST_FILES, MOST_FILE_BYTES, isPicture, isShowable, kindOf, shownSize } from './files.js';
import { say, sayIn, text } from './language.js';
import './later-style.js';
import { prepare } from './pictures.js';

/** @typedef {Awaited<ReturnType<typeof prepare>>} Versions */
/** @typedef {{ row: HTMLElement, isReady: Promise<boolean>, versions?: Versions }} Chosen */

export class Tray {
  /** @type {Chosen[]} */ #chosen = [];
  #isAway = false;
  #list = element('ul', { role: 'list' });
  #original = say(
    element('button', { type: 'button', class: 'text-button original', 'aria-pressed': 'false' }),
    'original',
  );
  #element = element('div', { class: 'tray', hidden: true }, this.#list, this.#original);

  /** @param {Frame} frame @param {(problem: string, values: import('./language.js').Values) => void} onProblem */
  constructor({ form, box }, onProblem) {
    this.box = box;
    this.onProblem = onProblem;
    form.prepend(this.#element);
    this.#original.addEventListener('click', () => {
      this.#original.setAttribute('aria-pressed', String(!this.#isOriginal));
      this.#show();
    });
  }

  /** @param {boolean} away */
  set isAway(away) {
    this.#isAway = away;
    this.#show();
  }

  get isEmpty() {
    return this.#chosen.length === 0;
  }

  /** Resolves to whether each of them can be sent. Undefined once all are prepared. */
  get preparing() {
    const unprepared = this.#chosen.filter(({ versions }) => !versions);
    const areReady = Promise.all(unprepared.map(({ isReady }) => isReady));
    return unprepared.length ? areReady.then((ready) => ready.every(Boolean)) : undefined;
  }

  /** The files, which leave the tray. @returns {import('./pictures.js').Ready[]} */
  take() {
    const files = this.#chosen.flatMap(({ versions }) => (versions ? this.#sent(versions) : []));
    for (const { row } of this.#chosen) forgetPicture(row);
    this.#chosen = [];
    this.#original.setAttribute('aria-pressed', 'false');
    this.#show();
    return files;
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      if (this.#chosen.length >= MOST_FILES) {
        this.onProblem('tooManyFiles', { n: MOST_FILES });
        break;
      }
      const isReady = prepare(file).then(
        (versions) => this.#prepared(chosen, versions),
        () => this.#refuse(chosen, 'unreadable', { name: file.name }), // a folder, for example
      );
      /** @type {Chosen} */
      const chosen = { row: element('li'), isReady };
      this.#chosen.push(chosen);
    }
    this.#show();
    this.box.focus({ preventScroll: true });
  }

  /** @param {Chosen} chosen @param {Versions} versions */
  #prepared(chosen, versions) {
    const { asIs, redrawn = asIs } = versions;
    if (redrawn.bytes > MOST_FILE_BYTES) {
      return this.#refuse(chosen, 'fileTooLarge', { name: asIs.name, size: shownSize(MOST_FILE_BYTES) });
    }
    chosen.versions = versions;
    const name = element('bdi', { class: 'name' }, asIs.name);
    const remove = element('button', { type: 'button', class: 'icon-button' }, '×');
    sayIn(remove, 'aria-label', 'leaveOut', { name: asIs.name });
    remove.addEventListener('click', () => {
      this.#remove(chosen);
      this.box.focus({ preventScroll: true }); // the button goes away
    });
    chosen.row.append(pictureOf(redrawn), name, element('span', { class: 'size' }), remove);
    this.#show();
    return true;
  }

  /** @param {Chosen} chosen @param {string} problem @param {import('./language.js').Values} values */
  #refuse(chosen, problem, values) {
    this.#remove(chosen);
    this.onProblem(problem, values);
    return false;
  }

  /** @param {Chosen} chosen */
  #remove(chosen) {
    this.#chosen = this.#chosen.filter((one) => one !== chosen);
    forgetPicture(chosen.row);
    this.#show();
  }

  get #isOriginal() {
    return this.#original.getAttribute('aria-pressed') === 'true';
  }

  /** @param {Versions} versions */
  #sent({ asIs, redrawn = asIs }) {
    return this.#isOriginal && asIs.bytes <= MOST_FILE_BYTES ? asIs : redrawn;
  }

  #show() {
    for (const { row, versions } of this.#chosen) {
      const size = row.querySelector('.size');
      if (!versions || !size) continue;
      const { bytes, type } = this.#sent(versions);
      const isRaw = isPicture({ type }) && !versions.redrawn; // it may tell where it was taken
      size.textContent = isRaw ? text('asItIs', { size: shownSize(bytes) }) : shownSize(bytes);
    }
    this.#list.replaceChildren(...this.#chosen.map(({ row }) => row));
    this.#element.hidden = this.#isAway || this.isEmpty;
    this.#original.hidden = !this.#chosen.some(({ versions }) => versions?.redrawn);
  }
}

/** Only its name says what another file is. @param {import('./pictures.js').Ready} file */
function pictureOf({ blob, name, ...picture }) {
  if (isShowable(picture)) return element('img', { alt: '', src: URL.createObjectURL(blob) });
  return element('span', { class: 'kind', 'aria-hidden': 'true' }, kindOf(name));
}

/** @param {HTMLElement} row */
function forgetPicture(row) {
  const src = row.querySelector('img')?.src;
  if (src) URL.revokeObjectURL(src);
}
