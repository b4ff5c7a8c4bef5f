/**
 * Makes an element. Attributes are strings; strings among the children become text, never markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {Record<string, string | boolean | undefined>} [attributes] @param {...(Node | string | undefined)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, '');
    else if (value !== undefined && value !== false) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** One of eight colours for a person, always the same. @param {string} name */
export function hueOf(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 1009;
  return `hue-${sum % 8}`;
}

/** The round initial that stands for a person; decoration, the name stands beside it. @param {string} name */
export const avatar = (name) =>
  element(
    'span',
    { class: `avatar ${hueOf(name)}`, 'aria-hidden': 'true' },
    (Array.from(name)[0] ?? '?').toLocaleUpperCase(),
  );
