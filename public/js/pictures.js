/** Pictures as they are sent: no larger than a screen needs, and without what a camera adds, such as the place. */
import { loadImage } from './attachments.js';
import { element } from './elements.js';
import { isPicture } from './files.js';

const LONGEST_SIDE = 2048;
const QUALITY = 0.85;
/** Without loss only if it costs no more than this. */
const LIGHT_BYTES = 2 ** 20;
/** To decode more could end the page. */
const MOST_PIXELS = 128e6;
const HEAD_BYTES = 2 ** 16;

/** @typedef {{ blob: Blob, name: string, type: string, bytes: number, width?: number, height?: number }} Ready */

/**
 * A file as it is, and if it is a picture, as it is sent unless somebody wants the original.
 * Rejects if it cannot be read.
 * @param {File} file @returns {Promise<{ asIs: Ready, redrawn?: Ready }>}
 */
export async function prepare(file) {
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
