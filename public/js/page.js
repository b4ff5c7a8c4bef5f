/** The first steps of every page. */
import { becomeForGood } from './identity.js';
import { loadLanguage } from './language.js';
import { openSession, Refusal } from './server.js';

// Until then, the page needs the connection for itself.
const OPENED_MS = 3000;

/** Resolves to the invitation that was opened, if there was one. @param {string} [words] @returns {Promise<Invitation>} */
export async function preparePage(words) {
  fitToKeyboard();
  // A page from the back/forward cache has missed everything since it was left.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
  // If the page is already open, opening a link in its tab does not load it again.
  addEventListener('hashchange', () => keyInAddress() && location.reload());
  const [invitation] = await Promise.all([redeemInvitation(), loadLanguage(words)]);
  setTimeout(() => void openWithoutServer(), OPENED_MS);
  return invitation;
}

/** Only where service workers are allowed: on https, and on this computer. */
async function openWithoutServer() {
  try {
    await navigator.serviceWorker?.register(new URL('../sw.js', import.meta.url));
  } catch {
    // it is switched off, or the server is away: the next visit tries again
  }
}

/** @typedef {{ person?: string, ended?: boolean }} Invitation */

/** An invitation link ends in `#key=…`, which never reaches a server's log. @returns {Promise<Invitation>} */
async function redeemInvitation() {
  const key = keyInAddress();
  if (!key) return {};
  const invitation = await redeem(key);
  if (invitation?.person) history.replaceState(null, '', location.pathname + location.search);
  return invitation ?? {};
}

const keyInAddress = () => new URLSearchParams(location.hash.slice(1)).get('key');

/** Undefined if there was no answer: a reload tries again. @param {string} key @returns {Promise<Invitation | undefined>} */
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

/** For browsers whose on-screen keyboard covers the page instead of shrinking it. */
function fitToKeyboard() {
  const { visualViewport } = globalThis;
  visualViewport?.addEventListener('resize', () => {
    const covered = visualViewport.scale === 1 && visualViewport.height < innerHeight - 1;
    document.body.style.height = covered ? `${visualViewport.height}px` : '';
    if (covered) scrollTo(0, 0);
  });
}
