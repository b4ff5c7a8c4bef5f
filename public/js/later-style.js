/** Adds style sheets. A module that imports this one runs once that of the parts that are loaded later is there. */
import { element } from './elements.js';

const AGAIN_MS = 10_000;

await addStyle(new URL('../later.css', import.meta.url));

/** Resolves also if it did not come: without it, the parts are plain, but they work. @param {URL} address */
export function addStyle(address) {
  return new Promise((resolve) => {
    const sheet = element('link', { rel: 'stylesheet', href: address.href });
    sheet.addEventListener('load', resolve);
    sheet.addEventListener('error', () => {
      sheet.remove();
      setTimeout(addStyle, AGAIN_MS, address);
      resolve(undefined);
    });
    document.head.append(sheet);
  });
}
