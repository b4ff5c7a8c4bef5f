import { language } from '../js/language.js';

/** A time of day to the second, as the reader writes it. @param {number} time Unix ms */
export function clockWithSeconds(time) {
  return new Intl.DateTimeFormat(language(), { timeStyle: 'medium' }).format(time);
}
