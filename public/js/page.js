/** What every page does first. */
import { loadLanguage } from './language.js';
import { openSession, Refusal } from './server.js';

/** Resolves to the invited person, if any. @param {string} [words] */
export async function preparePage(words) {
  fitToKeyboard();
  // A page out of the back/forward cache has missed everything since.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  await loadLanguage(words);
  return await redeemInvitation();
}

/** An invitation link ends in `#key=…`: it never reaches a server's log. */
async function redeemInvitation() {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (!key) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  try {
    return (await openSession(key)).person;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return undefined; // expired: the first request that needs it says so
  }
}

/** Where a virtual keyboard covers the page instead of shrinking it. */
function fitToKeyboard() {
  const { visualViewport } = globalThis;
  visualViewport?.addEventListener('resize', () => {
    const covered = visualViewport.scale === 1 && visualViewport.height < innerHeight - 1;
    document.body.style.height = covered ? `${visualViewport.height}px` : '';
    if (covered) scrollTo(0, 0);
  });
}

/** The server's rule, so that a bad name is told before it is used. */
const NAME = /^[\p{L}\p{N}_-](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_-])?$/u;

/** The name as its mailbox spells it. @param {string | null | undefined} input @param {number} [longest] */
export function cleanName(input, longest = 64) {
  const name = (input ?? '').trim().normalize('NFC').toLowerCase().normalize('NFC');
  if (!NAME.test(name) || Array.from(name).length > longest || name.startsWith('room.') || /\.(txt|lock)$/.test(name))
    return undefined;
  return name;
}
