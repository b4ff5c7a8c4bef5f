/** The files of a message in its row: pictures in place, other files as cards. */
import { element } from './elements.js';
import { endingOf, isPicture, isShowable, kindOf, shownSize } from './files.js';
import { text } from './language.js';
import { loadUploads } from './later.js';
import { fileAddress } from './server.js';

/** The longest and the shortest side of a picture in the log. */
const MOST_PX = 320;
const LEAST_PX = 72;
const AGAIN_AFTER_MS = 5000;
const NEAR = '800px';

/** What to do when a picture comes near the screen. @type {WeakMap<Element, () => void>} */
const waiting = new WeakMap();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      waiting.get(target)?.();
    }
  },
  { rootMargin: NEAR, scrollMargin: NEAR },
);

/**
 * Shows the files of a message above its text. Changes the row only if it shows others, because it is in a live region.
 * @param {HTMLElement} row @param {ShownMessage} shownMessage @param {() => void} onCancel
 */
export function showFiles(row, shownMessage, onCancel) {
  const { files, message, mailbox, key, state } = shownMessage;
  const content = row.querySelector('.content');
  const bubble = content?.querySelector('.bubble');
  let shown = content?.querySelector('.files');
  if (!content || !bubble || (!files.length && !shown)) return;
  bubble.toggleAttribute('hidden', files.length > 0 && message === '');
  if (!files.length) return shown?.remove();
  if (!shown) {
    shown = element(
      'div',
      { class: `files${files.length > 1 ? ' many' : ''}` },
      ...files.map((file) => show(file, mailbox)),
    );
    bubble.before(shown);
  }
  if (mailbox !== undefined) nameAddresses(shown, files, mailbox);
  const isUploading = mailbox === undefined && state !== 'failed';
  const upload = content.querySelector('.upload');
  if (isUploading && !upload) shown.after(makeUpload(key ?? '', onCancel));
  else if (!isUploading) upload?.remove();
}

/** A letter has been stored: its cards become links. @param {Element} shown @param {SharedFile[]} files @param {string} mailbox */
function nameAddresses(shown, files, mailbox) {
  for (const [at, file] of files.entries()) {
    const card = shown.children[at];
    if (card?.matches('a.file:not([href])')) card.setAttribute('href', fileAddress(mailbox, file));
  }
}

/** @param {string} key of the letter @param {number} part */
export function showProgress(key, part) {
  const bar = document.getElementById(barOf(key));
  if (bar instanceof HTMLProgressElement) bar.value = part;
}

/** @param {string} key */
const barOf = (key) => `upload ${key}`;

/** @param {string} key @param {() => void} onCancel */
function makeUpload(key, onCancel) {
  const bar = element('progress', { id: barOf(key), value: '0', 'aria-label': text('uploading') });
  const cancel = element('button', { type: 'button', class: 'text-button' }, text('cancel'));
  cancel.addEventListener('click', onCancel);
  return element('div', { class: 'upload' }, bar, cancel);
}

/** @param {SharedFile} file @param {string | undefined} mailbox where the message is, unless it waits in this browser */
function show(file, mailbox) {
  const href = mailbox === undefined ? undefined : fileAddress(mailbox, file);
  const { width = 4 * MOST_PX, height = 3 * MOST_PX } = file;
  return isPicture(file) && isShowable({ width, height })
    ? makePicture(file, { href, width, height })
    : makeCard(file, href);
}

/** @param {SharedFile} file @param {string | undefined} href */
function makeCard({ name, bytes }, href) {
  const ending = endingOf(name);
  const stem = name.slice(0, name.length - ending.length);
  return element(
    'a',
    { class: 'file', download: name, ...(href && { href }) },
    element('span', { class: 'kind', 'aria-hidden': 'true' }, kindOf(name)),
    // One text for screen readers, which would put a blank between the two.
    element('span', { class: 'sr' }, name),
    element('bdi', { class: 'name', 'aria-hidden': 'true' }, element('span', {}, stem), ending),
    element('span', { class: 'size' }, shownSize(bytes)),
  );
}

/** Its place is there before it is. @param {SharedFile} file @param {{ href?: string, width: number, height: number }} at */
function makePicture(file, { href, width, height }) {
  const scale = Math.min(1, MOST_PX / width, MOST_PX / height);
  const [wide, high] = [width, height].map((side) => Math.max(LEAST_PX, Math.round(side * scale)));
  const label = text('picture', { name: file.name });
  const button = element('button', { type: 'button', class: 'picture', 'aria-label': label, 'data-name': file.name });
  button.style.setProperty('--width', `${wide}px`);
  button.style.setProperty('--ratio', `${wide} / ${high}`);
  const fill = async (tries = 3) => {
    const src = href ?? (await addressOfKept(file.kept));
    const image = await loadImage(src).catch(() => undefined);
    if (!image && tries > 1 && href) return void setTimeout(() => void fill(tries - 1), AGAIN_AFTER_MS);
    // What the message says of its size need not be true.
    if (!image || !isShowable({ width: image.naturalWidth, height: image.naturalHeight }))
      return button.replaceWith(makeCard(file, href));
    image.alt = '';
    button.append(image);
  };
  waiting.set(button, () => void fill());
  watcher.observe(button);
  return button;
}

/** @param {string | undefined} kept */
async function addressOfKept(kept) {
  const { keptFile } = await loadUploads();
  const blob = await keptFile(kept ?? '');
  return blob ? URL.createObjectURL(blob) : '';
}

/** Reads how large a picture is, without decoding it. @param {string} url @returns {Promise<HTMLImageElement>} */
export function loadImage(url) {
  const image = new Image();
  return new Promise((resolve, reject) => {
    image.addEventListener('load', () => resolve(image));
    image.addEventListener('error', () => reject(new TypeError('no picture')));
    image.decoding = 'async';
    image.src = url;
  });
}
