/** The page's texts and times in the reader's language. Each language is one flat JSON file. */
import { element } from './elements.js';
import { recall, remember } from './storage.js';

/** @type {Record<string, [string, string]>} */
const LANGUAGES = { en: ['EN', 'English'], ko: ['한', '한국어'] };
const KEPT = 'language';
const WORDS_WITHIN_MS = 10_000;
/** A key that every file of texts has. */
const A_KEY = 'language';

/** @typedef {Record<string, string | number | (() => string)>} Values */

let folder = '../lang/';
/** @type {Record<string, string>} */
let words = {};
/** @type {Map<string, Promise<Record<string, string>>>} */
const readings = new Map();
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {WeakMap<Element, Map<string, [string, Values]>>} */
const sayings = new WeakMap();

export const language = () => document.documentElement.lang;

/** The reader's region, if it uses the page's language. */
export const locale = () =>
  navigator.languages.find((one) => one.startsWith(language()) && isLocale(one)) ?? language();

/** Some systems report invalid languages, such as `en-US@posix`. @param {string} tag */
function isLocale(tag) {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

/** @param {string} [from] the path of the files, relative to this module */
export async function loadLanguage(from = folder) {
  folder = from;
  const wanted = wantedLanguage();
  const others = Object.keys(LANGUAGES).filter((one) => one !== wanted);
  for (const code of [wanted, ...others]) if (await useLanguage(code)) return;
}

function wantedLanguage() {
  const wanted = [recall(KEPT), ...navigator.languages].map((one) => one?.slice(0, 2) ?? '');
  return wanted.find((one) => Object.hasOwn(LANGUAGES, one)) ?? 'en';
}

/** Requests each file once. A page may call this before it has all its modules. @param {string} [code] */
export function readWords(code = wantedLanguage()) {
  const address = new URL(`${folder}${code}.json`, import.meta.url).href;
  const reading = readings.get(address) ?? fetchWords(address);
  readings.set(address, reading);
  reading.catch(() => readings.delete(address));
  return reading;
}

/** Rejects if the file is missing, incomplete or not a file of texts. @param {string} address @returns {Promise<Record<string, string>>} */
async function fetchWords(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(WORDS_WITHIN_MS) });
  const read = await response.json();
  if (!response.ok || !read?.[A_KEY]) throw new TypeError(`no words at ${address}`);
  return Object.fromEntries(Object.entries(read).filter(([, wording]) => typeof wording === 'string'));
}

/** Resolves to whether the texts were loaded. If not, the page stays as it is. @param {string} code */
async function useLanguage(code) {
  const read = await readWords(code).catch(() => undefined);
  if (!read) return false;
  words = read;
  document.documentElement.lang = code;
  sayAgain();
  for (const listener of listeners) listener();
  return true;
}

/** Texts may name a day, such as "Today", which now is another one. */
export function sayAgain() {
  for (const element of document.querySelectorAll('[data-says]')) {
    for (const [attribute, [key, values]] of sayings.get(element) ?? [])
      put(element, attribute, key && text(key, values));
  }
}

/** @param {() => void} listener */
export function onLanguageChange(listener) {
  listeners.add(listener);
}

/** The text of a key; with a value `n`, in the right plural form. @param {string} key @param {Values} [values] */
export function text(key, values = {}) {
  const plural = typeof values.n === 'number' ? `${key}.${new Intl.PluralRules(language()).select(values.n)}` : key;
  const wording = words[plural] ?? words[`${key}.other`] ?? words[key] ?? withoutWords(key, values);
  return wording.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? '';
    return String(typeof value === 'function' ? value() : value);
  });
}

/** Falls back to the key itself, which is readable English. @param {string} key @param {Values} values */
function withoutWords(key, values) {
  const said = key.replaceAll(/[-.]|(?=[A-Z])/g, ' ').toLowerCase();
  return [said, ...Object.keys(values).map((name) => `{${name}}`)].join(' ');
}

/** Makes an element show the text of a key, in whatever language is chosen. @template {Element} E @param {E} element @param {string} key @param {Values} [values] */
export const say = (element, key, values = {}) => sayIn(element, '', key, values);

/** The same for an attribute. @template {Element} E @param {E} element @param {string} attribute '' for the text @param {string} key @param {Values} [values] */
export function sayIn(element, attribute, key, values = {}) {
  const said = sayings.get(element) ?? new Map();
  said.set(attribute, [key, values]);
  sayings.set(element, said);
  element.toggleAttribute('data-says', true);
  put(element, attribute, key ? text(key, values) : '');
  return element;
}

/** Touches the page only where something changes: it may be a live region. @param {Element} element @param {string} attribute @param {string} wording */
function put(element, attribute, wording) {
  if (attribute) {
    if (element.getAttribute(attribute) !== wording) element.setAttribute(attribute, wording);
  } else if (element.textContent !== wording) element.textContent = wording;
}

export function languageSwitch() {
  const buttons = Object.entries(LANGUAGES).map(([code, [short, title]]) => {
    const button = element('button', { type: 'button', lang: code, title }, short);
    const mark = () => button.setAttribute('aria-pressed', String(language() === code));
    button.addEventListener('click', () => {
      void useLanguage(code).then((isRead) => isRead && remember(KEPT, code));
    });
    onLanguageChange(mark);
    mark();
    return button;
  });
  return sayIn(element('div', { class: 'languages', role: 'group' }, ...buttons), 'aria-label', 'language');
}
