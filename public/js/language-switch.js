/** EN | 한 */
import { element } from './elements.js';
import { chooseLanguage, language, LANGUAGES, onLanguageChange, sayIn } from './language.js';

const NAMES = /** @type {Record<string, [string, string]>} */ ({ en: ['EN', 'English'], ko: ['한', '한국어'] });

export function languageSwitch() {
  const buttons = LANGUAGES.map((code) => {
    const [short, name] = NAMES[code] ?? [code, code];
    const button = element('button', { type: 'button', lang: code, title: name }, short);
    const mark = () => button.setAttribute('aria-pressed', String(language() === code));
    button.addEventListener('click', () => void chooseLanguage(code));
    onLanguageChange(mark);
    mark();
    return button;
  });
  return sayIn(element('div', { class: 'languages', role: 'group' }, ...buttons), 'aria-label', 'language');
}
