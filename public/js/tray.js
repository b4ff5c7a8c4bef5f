/**
 * The files chosen for the next message, above the box. Pictures are sent no larger than a screen needs, and without what a
 * camera adds, such as the place.
 */
import { loadImage } from './attachments.js';
import { element } from './elements.js';
import { MOST_FILES, MOST_FILE_BYTES, isPicture, isShowable, kindOf, shownSize } from './files.js';
import { say, sayIn, text } from './language.js';
import './later-style.js';

const LONGEST_SIDE = 2048;
const QUALITY = 0.85;
/** Without loss only if it costs no more than this. */
const LIGHT_BYTES = 2 ** 20;
/** To decode more could end the page. */
const MOST_PIXELS = 128e6;
const HEAD_BYTES = 2 ** 16;

/** @typedef {{ blob: Blob, name: string, type: string, bytes: number, width?: number, height?: number }} Ready */
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

  /** The files, which leave the tray. @returns {Ready[]} */
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

/** Only its name says what another file is. @param {Ready} file */
function pictureOf({ blob, name, ...picture }) {
  if (isShowable(picture)) return element('img', { alt: '', src: URL.createObjectURL(blob) });
  return element('span', { class: 'kind', 'aria-hidden': 'true' }, kindOf(name));
}

/** @param {HTMLElement} row */
const forgetPicture = (row) => URL.revokeObjectURL(row.querySelector('img')?.src ?? '');

/**
 * A file as it is, and if it is a picture, as it is sent unless somebody wants the original.
 * Rejects if it cannot be read.
 * @param {File} file @returns {Promise<{ asIs: Ready, redrawn?: Ready }>}
 */
async function prepare(file) {
  const { name, type, size: bytes } = file;
  const asIs = { blob: file, name, type, bytes };
  await file.slice(0, 1).arrayBuffer();
  if (!isPicture(file)) return { asIs };
  const url = URL.createObjectURL(file);
  try {
    const image = await loadImage(url);
    const { naturalWidth: width, naturalHeight: height } = image;
    const measured = { ...asIs, width, height };
    if (width * height > MOST_PIXELS || type === 'image/gif' || (await isAnimated(file))) return { asIs: measured };
    return { asIs: measured, redrawn: await redraw(image, measured) };
  } catch {
    return { asIs }; // this browser cannot show it
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A canvas would keep only the first picture. @param {File} file */
async function isAnimated(file) {
  return file.type !== 'image/jpeg' && /acTL|ANIM|ftypavis/.test(await file.slice(0, HEAD_BYTES).text());
}

/** @param {HTMLImageElement} image @param {Ready & { width: number, height: number }} original @returns {Promise<Ready | undefined>} */
async function redraw(image, { name, type, width: fullWidth, height: fullHeight }) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(fullWidth, fullHeight));
  const [width, height] = [fullWidth, fullHeight].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = Object.assign(element('canvas'), { width, height });
  const pen = canvas.getContext('2d');
  if (!pen || !isTrue()) return undefined;
  pen.imageSmoothingQuality = 'high';
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await encode(canvas, pen, type);
  canvas.width = 0; // frees its memory at once
  if (!blob) return undefined;
  const ending = blob.type.replace('image/', '.').replace('jpeg', 'jpg');
  return { blob, name: name.replace(/\.\w+$/, '') + ending, type: blob.type, bytes: blob.size, width, height };
}

/** Some browsers return noise instead of what was drawn, so that no site can tell computers apart by it. */
function isTrue() {
  const pen = Object.assign(element('canvas'), { width: 8, height: 8 }).getContext('2d');
  if (!pen) return false;
  pen.fillStyle = '#0f0';
  pen.fillRect(0, 0, 8, 8);
  const { data } = pen.getImageData(0, 0, 8, 8);
  return data.every((value, at) => Math.abs(value - (at % 2 ? 255 : 0)) < 8);
}

/** @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2D} pen @param {string} original */
async function encode(canvas, pen, original) {
  if (original !== 'image/jpeg') {
    const exact = await blobOf(canvas, 'image/png');
    if (exact && exact.size <= LIGHT_BYTES) return exact;
    const small = await blobOf(canvas, 'image/webp');
    if (small?.type === 'image/webp') return small; // not every browser can write it
  }
  pen.globalCompositeOperation = 'destination-over';
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  return blobOf(canvas, 'image/jpeg');
}

/** @param {HTMLCanvasElement} canvas @param {string} type @returns {Promise<Blob | null>} */
const blobOf = (canvas, type) => new Promise((resolve) => canvas.toBlob(resolve, type, QUALITY));
