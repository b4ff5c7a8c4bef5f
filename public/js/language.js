/** The page's words, in the reader's language. Every language is one flat JSON file of the same keys. */
import { recall, remember } from './storage.js';

export const LANGUAGES = ['en', 'ko'];
const KEPT = 'language';

/** @typedef {Record<string, string | number | (() => string)>} Values */

/** @type {Record<string, string>} */
let words = {};
/** @type {Set<() => void>} */
const listeners = new Set();
/** What elements say, so that they can say it again in another language. @type {WeakMap<Element, Map<string, [string, Values]>>} */
const sayings = new WeakMap();

/** The language of the page. */
export const language = () => document.documentElement.lang;

/** For dates and times: the reader's own region where it speaks the page's language. */
export const locale = () => navigator.languages.find((one) => one.startsWith(language())) ?? language();

/** Loads the language chosen before, else the browser's first that we have. */
export async function loadLanguage() {
  const wanted = [recall(KEPT), ...navigator.languages].map((one) => one?.slice(0, 2) ?? '');
  await useLanguage(wanted.find((one) => LANGUAGES.includes(one)) ?? 'en');
}

/** @param {string} code */
export async function chooseLanguage(code) {
  remember(KEPT, code);
  await useLanguage(code);
}

/** @param {string} code */
async function useLanguage(code) {
  words = await (await fetch(new URL(`../lang/${code}.json`, import.meta.url))).json();
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll('[data-says]')) {
    for (const [attribute, [key, values]] of sayings.get(element) ?? []) put(element, attribute, text(key, values));
  }
  for (const listener of listeners) listener();
}

/** Calls back after the language has changed. @param {() => void} listener */
export function onLanguageChange(listener) {
  listeners.add(listener);
}

/** The wording of a key; with a value `n`, its plural form. @param {string} key @param {Values} [values] */
export function text(key, values = {}) {
  const plural = typeof values.n === 'number' ? `${key}.${new Intl.PluralRules(language()).select(values.n)}` : key;
  const wording = words[plural] ?? words[`${key}.other`] ?? words[key] ?? '';
  return wording.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? '';
    return String(typeof value === 'function' ? value() : value);
  });
}

/** Makes an element say a key, in whatever language comes. @template {Element} E @param {E} element @param {string} key @param {Values} [values] */
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
