/**
 * Pictures as large as the window. Arrow keys and swipes turn to the next one; two fingers, the wheel, a double click,
 * + and - zoom; Escape, or a swipe down, closes.
 */
import { element } from './elements.js';
import { sayIn, text } from './language.js';
import './later-style.js';

const MOST_ZOOM = 8;
const STEP = 1.5;
const DOUBLE_CLICK_ZOOM = 2.5;
const SWIPE_PX = 60;
const TAP_PX = 5;

/** @param {HTMLElement} button the picture in the log, among others @param {() => void} onRemoved its message was removed */
export function openViewer(button, onRemoved) {
  const log = /** @type {HTMLElement} */ (button.closest('ol'));
  const all = [...log.querySelectorAll('button.picture:has(img)')];
  const viewer = new Viewer(/** @type {HTMLElement[]} */ (all), all.indexOf(button));
  const rows = all.map((picture) => picture.closest('li'));
  const watcher = new MutationObserver(() => {
    // A row that is out of sight may leave the log with its pictures.
    const isRemoved = (/** @type {number} */ at) => rows[at]?.isConnected === true && !all[at]?.isConnected;
    if (!isRemoved(viewer.at)) return;
    viewer.dialog.close();
    onRemoved();
  });
  watcher.observe(log, { childList: true, subtree: true });
  viewer.dialog.addEventListener('close', () => watcher.disconnect());
  viewer.open();
}

class Viewer {
  #zoom = 1;
  #x = 0;
  #y = 0;
  /** The fingers, or the mouse, that are down. @type {Map<number, { x: number, y: number }>} */ #fingers = new Map();
  /** Where the first one went down, unless another one joined it. @type {{ x: number, y: number } | undefined} */ #begin;
  #isBeside = false;

  /** @param {HTMLElement[]} pictures buttons in the log @param {number} at */
  constructor(pictures, at) {
    this.pictures = pictures;
    this.at = at;
    this.image = element('img', { draggable: 'false' });
    this.stage = element('div', { class: 'stage' }, this.image);
    this.name = element('bdi', { class: 'name' });
    this.count = element('span', { role: 'status' });
    this.download = sayIn(element('a', { class: 'icon-button' }, '↓'), 'aria-label', 'download');
    this.before = this.#button('before', '‹', () => this.#turn(-1));
    this.next = this.#button('next', '›', () => this.#turn(1));
    const close = this.#button('close', '×', () => this.dialog.close());
    const bar = element('div', { class: 'bar' }, this.name, this.count, this.download, close);
    this.dialog = element(
      'dialog',
      { class: 'viewer', 'aria-label': text('pictures') },
      bar,
      this.before,
      this.stage,
      this.next,
    );
    this.#watchFingers();
    this.#turn(0);
  }

  open() {
    const { dialog } = this;
    // A click beside the buttons takes the focus out of the dialog.
    const press = (/** @type {KeyboardEvent} */ event) => this.#press(event);
    document.addEventListener('keydown', press, true);
    dialog.addEventListener('close', () => {
      document.removeEventListener('keydown', press, true);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {string} name @param {string} sign @param {() => void} onClick */
  #button(name, sign, onClick) {
    const button = sayIn(element('button', { type: 'button', class: `icon-button ${name}` }, sign), 'aria-label', name);
    button.addEventListener('click', onClick);
    return button;
  }

  /** @param {number} by */
  #turn(by) {
    const picture = this.pictures[this.at + by];
    if (!picture) return;
    this.at += by;
    const { name = '' } = picture.dataset;
    const src = picture.querySelector('img')?.src ?? '';
    Object.assign(this.image, { src, alt: name });
    Object.assign(this.download, { href: src, download: name });
    this.name.textContent = name;
    this.count.textContent = `${this.at + 1} / ${this.pictures.length}`;
    this.count.hidden = this.pictures.length === 1;
    this.before.setAttribute('aria-disabled', String(this.at === 0)); // `disabled` would take the focus away
    this.next.setAttribute('aria-disabled', String(this.at === this.pictures.length - 1));
    this.#zoomTo(1);
  }

  /** Keys belong to the viewer, not to the page behind it. @param {KeyboardEvent} event */
  #press(event) {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#turn(-1),
      ArrowRight: () => this.#turn(1),
      '+': () => this.#zoomTo(this.#zoom * STEP),
      '-': () => this.#zoomTo(this.#zoom / STEP),
      0: () => this.#zoomTo(1),
    };
    keys[event.key]?.();
  }

  /** Keeps the point in its place. @param {number} zoom @param {{ x: number, y: number }} [point] from the middle */
  #zoomTo(zoom, { x, y } = { x: 0, y: 0 }) {
    const wanted = Math.min(MOST_ZOOM, Math.max(1, zoom));
    const factor = wanted / this.#zoom;
    this.#zoom = wanted;
    this.#moveTo(x - (x - this.#x) * factor, y - (y - this.#y) * factor);
  }

  /** No further than to the picture's edges. @param {number} x @param {number} y */
  #moveTo(x, y) {
    const { image, stage } = this;
    const room = (/** @type {number} */ size, /** @type {number} */ all) => Math.max(0, (size * this.#zoom - all) / 2);
    const [wide, high] = [room(image.offsetWidth, stage.clientWidth), room(image.offsetHeight, stage.clientHeight)];
    this.#x = Math.min(wide, Math.max(-wide, x));
    this.#y = Math.min(high, Math.max(-high, y));
    image.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${this.#zoom})`;
    stage.classList.toggle('zoomed', this.#zoom > 1);
  }

  /** @param {{ clientX: number, clientY: number }} event */
  #pointOf({ clientX, clientY }) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  }

  #watchFingers() {
    const { stage } = this;
    stage.addEventListener('pointerdown', (event) => {
      stage.setPointerCapture(event.pointerId);
      this.#fingers.set(event.pointerId, this.#pointOf(event));
      this.#begin = this.#fingers.size === 1 ? this.#pointOf(event) : undefined;
      this.#isBeside = event.target === stage;
    });
    stage.addEventListener('pointermove', (event) => this.#fingers.has(event.pointerId) && this.#move(event));
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel'])) {
      stage.addEventListener(type, (event) => {
        this.#fingers.delete(event.pointerId);
        if (type === 'pointerup' && this.#fingers.size === 0 && this.#begin) this.#swipe(this.#begin, event);
        this.#begin = undefined;
      });
    }
    stage.addEventListener('dblclick', (event) =>
      this.#zoomTo(this.#zoom > 1 ? 1 : DOUBLE_CLICK_ZOOM, this.#pointOf(event)),
    );
    stage.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.#zoomTo(this.#zoom * Math.exp(-event.deltaY / 400), this.#pointOf(event));
    });
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const from = this.#fingers.get(event.pointerId);
    const to = this.#pointOf(event);
    const [other] = [...this.#fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this.#fingers.set(event.pointerId, to);
    if (!from) return;
    if (other) {
      const spread = distance(to, other) / (distance(from, other) || 1);
      this.#zoomTo(this.#zoom * spread, { x: (to.x + other.x) / 2, y: (to.y + other.y) / 2 });
    } else if (this.#zoom > 1) this.#moveTo(this.#x + to.x - from.x, this.#y + to.y - from.y);
  }

  /** @param {{ x: number, y: number }} begin @param {PointerEvent} event */
  #swipe(begin, event) {
    if (this.#zoom > 1) return;
    const end = this.#pointOf(event);
    const [x, y] = [end.x - begin.x, end.y - begin.y];
    if (Math.abs(x) > SWIPE_PX && Math.abs(x) > Math.abs(y)) this.#turn(x > 0 ? -1 : 1);
    else if (y > 2 * SWIPE_PX || (this.#isBeside && Math.hypot(x, y) < TAP_PX)) this.dialog.close();
  }
}

/** @param {{ x: number, y: number }} one @param {{ x: number, y: number }} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
