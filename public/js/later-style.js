/** Adds the style sheet of the parts that are loaded later. A module that imports this one runs once it is there. */
import { element } from './elements.js';

const AGAIN_MS = 10_000;

await load();

/** Resolves also if it did not come: without it, the parts are plain, but they work. */
function load() {
  return new Promise((resolve) => {
    const sheet = element('link', { rel: 'stylesheet', href: new URL('../later.css', import.meta.url).href });
    sheet.addEventListener('load', resolve);
    sheet.addEventListener('error', () => {
      sheet.remove();
      setTimeout(load, AGAIN_MS);
      resolve(undefined);
    });
    document.head.append(sheet);
  });
}
