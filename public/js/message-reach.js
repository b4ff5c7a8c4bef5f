/** The ways to a message's menu: right click, long press, a button beside it, the keyboard. And a swipe, which replies. */
import { element } from './elements.js';
import { sayIn } from './language.js';
import { ignoreClick } from './message-menu.js';

const LONG_PRESS_MS = 450;
const STILL_PX = 10;
const SWIPE = { px: 56, most: 72 };

/** @typedef {{ onMenu: (row: HTMLElement, place: DOMRect) => void, onReply: (row: HTMLElement) => void }} Reached */

/** @param {Frame} frame @param {Reached} options */
export function reachMessages({ log }, options) {
  log.addEventListener('contextmenu', (event) => {
    const row = rowOf(event.target);
    if (!row || isForBrowser(event.target)) return;
    event.preventDefault();
    const isHere = event.clientX > 0 || event.clientY > 0;
    options.onMenu(row, isHere ? new DOMRect(event.clientX, event.clientY) : placeOf(row));
  });
  watchTouch(log, options);
  watchPointer(log, options);
  watchKeys(log, options);
}

/** @param {EventTarget | null} target */
function rowOf(target) {
  const row = target instanceof Element && target.closest('.row');
  return row instanceof HTMLElement ? row : undefined;
}

/** @param {HTMLElement} row */
const placeOf = (row) => (row.querySelector('.content') ?? row).getBoundingClientRect();

/** A link in a text, and text that is selected, have the browser's own menu. @param {EventTarget | null} target */
const isForBrowser = (target) =>
  target instanceof Element && (target.closest('.bubble a') !== null || getSelection()?.toString() !== '');

/** @param {HTMLElement} log @param {Reached} options */
function watchTouch(log, { onMenu, onReply }) {
  /** @type {{ row: HTMLElement, x: number, y: number, by: number, isSwipe: boolean } | undefined} */
  let touch;
  let press = 0;

  const end = () => {
    clearTimeout(press);
    if (touch) touch.row.style.translate = '';
    touch = undefined;
  };

  log.addEventListener('pointerdown', ({ target, pointerType, clientX: x, clientY: y, isPrimary }) => {
    end();
    const row = rowOf(target);
    if (!row || pointerType !== 'touch' || !isPrimary) return;
    touch = { row, x, y, by: 0, isSwipe: false };
    if (isForBrowser(target)) return;
    press = setTimeout(() => {
      end();
      ignoreClick();
      onMenu(row, new DOMRect(x, y));
    }, LONG_PRESS_MS);
  });
  log.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (!touch) return;
    const [right, down] = [clientX - touch.x, clientY - touch.y];
    if (Math.hypot(right, down) > STILL_PX) clearTimeout(press);
    touch.isSwipe ||= right > STILL_PX && right > 2 * Math.abs(down);
    if (!touch.isSwipe) return;
    touch.by = Math.max(0, Math.min(right, SWIPE.most));
    touch.row.style.translate = `${touch.by}px`;
  });
  log.addEventListener('pointerup', () => {
    const swiped = touch && touch.by >= SWIPE.px ? touch.row : undefined;
    end();
    if (swiped) onReply(swiped);
  });
  for (const type of ['pointercancel', 'scroll']) log.addEventListener(type, end, { passive: true });
}

/** One button for all rows: a button in each would be read out with each message. @param {HTMLElement} log @param {Reached} options */
function watchPointer(log, { onMenu }) {
  const button = element(
    'button',
    { type: 'button', class: 'icon-button options', hidden: true, 'aria-haspopup': 'menu' },
    '⋯',
  );
  sayIn(button, 'aria-label', 'messageMenu');
  log.after(button);
  /** @type {HTMLElement | undefined} */
  let row;

  const show = (/** @type {HTMLElement | undefined} */ other) => {
    row = other;
    button.hidden = !row;
    if (!row) return;
    const [box, outer] = [row.getBoundingClientRect(), log.getBoundingClientRect()];
    const isOwn = row.classList.contains('own');
    button.style.top = `${placeOf(row).bottom - outer.top + log.offsetTop - button.offsetHeight}px`;
    button.style.left = `${(isOwn ? box.left - button.offsetWidth : box.right) - outer.left}px`;
  };

  log.parentElement?.addEventListener('pointermove', ({ target, pointerType, clientY }) => {
    if (pointerType !== 'mouse' || target === button) return;
    const { top = 0, bottom = 0 } = row?.getBoundingClientRect() ?? {};
    const over = rowOf(target);
    if (over && over !== row) show(over);
    else if (!over && (clientY < top || clientY > bottom)) show(undefined);
  });
  log.parentElement?.addEventListener('pointerleave', () => document.activeElement !== button && show(undefined));
  log.addEventListener('scroll', () => show(undefined), { passive: true });
  log.addEventListener('focusin', ({ target }) => rowOf(target)?.matches(':focus-visible') && show(rowOf(target)));
  button.addEventListener('click', () => row && onMenu(row, button.getBoundingClientRect()));
}

/** The arrow keys go from message to message. @param {HTMLElement} log @param {Reached} options */
function watchKeys(log, { onMenu }) {
  log.addEventListener('keydown', (event) => {
    const { target, key } = event;
    const row = target === log ? undefined : rowOf(target);
    if ((target !== log && target !== row) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === 'Enter' && row) onMenu(row, placeOf(row));
    else {
      const next = nextRow(log, row, key);
      if (!next) return;
      focusRow(next);
    }
    event.preventDefault();
  });
}

/** @param {HTMLElement} log @param {HTMLElement | undefined} row @param {string} key */
function nextRow(log, row, key) {
  const rows = /** @type {HTMLElement[]} */ ([...log.querySelectorAll('.row')]);
  const at = row ? rows.indexOf(row) : rows.length;
  if (key === 'ArrowUp') return row ? rows[at - 1] : lastVisible(log, rows);
  if (key === 'ArrowDown') return rows[at + 1];
  if (key === 'Home' && row) return rows[0];
  return key === 'End' && row ? rows.at(-1) : undefined;
}

/** @param {HTMLElement} log @param {HTMLElement[]} rows */
const lastVisible = (log, rows) =>
  rows.findLast((row) => row.offsetTop < log.scrollTop + log.clientHeight) ?? rows.at(-1);

/** @param {HTMLElement} row */
export function focusRow(row) {
  row.tabIndex = -1;
  row.ariaLabel = row.innerText.replaceAll(/\s*\n\s*/g, ', '); // a list item has no name of its own
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}
