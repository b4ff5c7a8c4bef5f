/** What every page does first. */
import { becomeForGood } from './identity.js';
import { loadLanguage } from './language.js';
import { openSession, Refusal } from './server.js';

// Until then the page needs the line for itself.
const OPENED_MS = 3000;

/** Resolves to whose invitation was opened, if one was. @param {string} [words] @returns {Promise<Invitation>} */
export async function preparePage(words) {
  fitToKeyboard();
  // A page out of the back/forward cache has missed everything since.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  // A link that is opened where the page is open already loads nothing.
  addEventListener('hashchange', () => keyInAddress() && location.reload());
  const [invitation] = await Promise.all([redeemInvitation(), loadLanguage(words)]);
  setTimeout(() => void openWithoutServer(), OPENED_MS);
  return invitation;
}

/** Where a service worker may be: on https, and on this computer. */
async function openWithoutServer() {
  try {
    await navigator.serviceWorker?.register(new URL('../sw.js', import.meta.url));
  } catch {
    // switched off, or the server is away: the next opening tries again
  }
}

/** @typedef {{ person?: string, ended?: boolean }} Invitation */

/** An invitation link ends in `#key=…`: it never reaches a server's log. @returns {Promise<Invitation>} */
async function redeemInvitation() {
  const key = keyInAddress();
  if (!key) return {};
  const invitation = await redeem(key);
  if (invitation) history.replaceState(null, '', location.pathname + location.search);
  return invitation ?? {};
}

const keyInAddress = () => new URLSearchParams(location.hash.slice(1)).get('key');

/** Undefined when nobody answered: a reload tries again. @param {string} key @returns {Promise<Invitation | undefined>} */
async function redeem(key) {
  try {
    const { person } = await openSession(key);
    becomeForGood(person);
    return { person };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.isFinal ? { ended: error.isDenied } : undefined;
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
