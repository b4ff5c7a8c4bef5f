/**
 * Makes an element. Strings among the children become text, never markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {Record<string, string | true>} [attributes] @param {...(Node | string | undefined)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Gives an element a person's colour, always the same one. @template {HTMLElement} E @param {E} made @param {string} name */
export function tint(made, name) {
  let hue = 200;
  for (const character of name) hue = (hue * 31 + (character.codePointAt(0) ?? 0)) % 360;
  made.style.setProperty('--hue', String(hue));
  return made;
}

/** Only decoration, because the name is beside it. @param {string} name */
export const avatar = (name) =>
  tint(
    element('span', { class: 'avatar', 'aria-hidden': 'true' }, (Array.from(name)[0] ?? '?').toLocaleUpperCase()),
    name,
  );
