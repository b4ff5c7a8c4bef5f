/** Adds the style sheet of the parts that are loaded later. A module that imports this one runs once it is there. */
import { element } from './elements.js';

const sheet = element('link', { rel: 'stylesheet', href: new URL('../later.css', import.meta.url).href });
await new Promise((resolve) => {
  sheet.addEventListener('load', resolve);
  sheet.addEventListener('error', resolve); // without it, the parts are plain, but they work
  document.head.append(sheet);
});
