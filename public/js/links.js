/**
 * Finds web and mail addresses in text, and ends them where a reader would. Each character is looked at a bounded number
 * of times: a message may have a million.
 */

/** @typedef {{ start: number, end: number, href: string }} Link */
/** @typedef {{ end: number, href?: string }} Found `end`: where to look on */

const START = /https?:\/\/|www\.|@/giu;
/** After a label in Latin letters, Hangul is a particle, unless it is a top-level domain. */
const HOST =
  /(?:[\p{L}\p{M}\p{N}_-]+(?=\.[\p{L}\p{N}])|[a-z0-9_-]+)(?:\.(?:한국|닷컴|닷넷|삼성|[a-z0-9_-]+|(?<![a-z0-9_-]\.(?=\p{Script=Hangul}))[\p{L}\p{M}\p{N}_-]+))*/iuy;
const ADDRESS_HOST = /\[[0-9a-f:.]{2,45}\]/iuy;
const PORT = /:\d{1,5}(?!\d)/y;
/** A name in front of the host would show one site and open another. */
const LOGIN = /:?[^\s/?#@]{0,100}@/y;

/** Quotes, controls, symbols, brackets and punctuation of East Asia, and lone Korean letters (ㅋㅋ) end an address. */
const NEVER = /[\s<>"'`|\\^\p{C}\p{Z}\p{Pi}\p{Pf}\p{So}，。、；：！？…‥｡､．～ㄱ-ㆎ]|(?![([{}\])])[\p{Ps}\p{Pe}]/u;
/** Characters that change the direction of text: the address would look different from the one that opens. */
const TURN = /[\u202a\u202b\u202d\u202e\u2066-\u2068]/;
const TAIL = /[.,;:!?*~([{]/;
const MARKS = /[*_~]/;
const HANGUL_END = /(?<=[!-~])(?<![/=_-])[가-힣]{1,12}$/u;
const PARTICLES =
  /^(?:은|는|이|가|을|를|의|에|에서|에게|께|께서|한테|로|으로|와|과|랑|이랑|하고|도|만|까지|부터|처럼|보다|마다|밖에|나|이나|라도|이라도|라고|이라고|라는|이라는|란|이란|야|이야|예요|이에요|에요|입니다|이다|인데|인가요|이고|고|요|라면|이라면|이며|며|든지|이든지)+$/u;

const LOCAL_PART = /[a-z0-9_%+-](?:[a-z0-9._%+-]{0,62}[a-z0-9_%+-])?$/i;
const MAIL_HOST = /(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![a-z0-9@-])/iy;

/** @param {string} text @returns {Link[]} */
export function linksIn(text) {
  const links = [];
  let from = 0;
  START.lastIndex = 0;
  for (let match = START.exec(text); match; match = START.exec(text)) {
    const start = match[0] === '@' ? mailStart(text, match.index, from) : match.index;
    const { end, href } = match[0] === '@' ? mailAt(text, start, match.index) : webAt(text, start, match[0]);
    if (href && URL.canParse(href)) links.push({ start, end, href });
    from = Math.max(end, START.lastIndex);
    START.lastIndex = from;
  }
  return links;
}

/** @param {string} text @param {number} at @param {number} from where the last address has ended */
function mailStart(text, at, from) {
  const before = text.slice(Math.max(from, at - 64), at);
  return at - (LOCAL_PART.exec(before)?.[0].length ?? 0);
}

/** @param {string} text @param {number} start @param {number} at @returns {Found} */
function mailAt(text, start, at) {
  const host = start < at ? matchAt(MAIL_HOST, text, at + 1) : '';
  const end = at + 1 + host.length;
  return host ? { end, href: `mailto:${text.slice(start, end)}` } : { end };
}

/** @param {string} text @param {number} start @param {string} scheme @returns {Found} */
function webAt(text, start, scheme) {
  const isBare = !scheme.endsWith('/');
  if (isBare && /[\p{L}\p{N}./@_-]$/u.test(text.slice(Math.max(0, start - 1), start)))
    return { end: start + scheme.length };
  const hostAt = isBare ? start : start + scheme.length;
  const host = matchAt(ADDRESS_HOST, text, hostAt) || matchAt(HOST, text, hostAt);
  if (!host || (isBare && !/^www(?:\.[^.]+)+\.\p{L}{2,}$/iu.test(host))) return { end: hostAt + host.length };
  const hostEnd = hostAt + host.length;
  const login = matchAt(LOGIN, text, hostEnd);
  if (login) return { end: hostEnd + login.length + matchAt(HOST, text, hostEnd + login.length).length };
  const pathAt = hostEnd + matchAt(PORT, text, hostEnd).length;
  const scanned = /[/?#]/.test(text.charAt(pathAt)) ? scanPath(text, pathAt) : pathAt;
  if (TURN.test(text.charAt(scanned))) return { end: scanned };
  const end = withoutParticle(text, pathAt, withoutTail(text, start, pathAt, scanned));
  return { end, href: (isBare ? 'https://' : '') + text.slice(start, end) };
}

/** @param {string} text @param {number} from */
function scanPath(text, from) {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    const one = text.charAt(at);
    if (NEVER.test(one) || (/[)\]}]/.test(one) && open-- === 0)) return at;
    if (/[([{]/.test(one)) open++;
    const next = text.charAt(at + 1);
    const endsWord = /[,;!]/.test(one) || (one === '(' && /[a-z0-9/]/i.test(text.charAt(at - 1)));
    if (endsWord && /[^\0-\x7f]/.test(next)) return at;
    if (/[a-z0-9]/i.test(one) && /[\u3041-\u3096]/.test(next)) return at + 1; // a Japanese particle
  }
  return text.length;
}

/** A full stop after an address belongs to the sentence, and a closing mark to the opening one before the address. @param {string} text @param {number} start @param {number} least @param {number} end */
function withoutTail(text, start, least, end) {
  const mark = MARKS.exec(text.charAt(start - 1))?.[0];
  let at = end;
  while (at > least && (TAIL.test(text.charAt(at - 1)) || text.charAt(at - 1) === mark)) at--;
  return at;
}

/** @param {string} text @param {number} pathAt @param {number} end */
function withoutParticle(text, pathAt, end) {
  const tail = text.slice(Math.max(pathAt, end - 13), end);
  const isRoot = /^\/[가-힣]{1,12}$/u.test(text.slice(pathAt, end).slice(0, 14));
  const word = isRoot ? tail.slice(-(end - pathAt - 1)) : (HANGUL_END.exec(tail)?.[0] ?? '');
  return word && PARTICLES.test(word) ? end - word.length : end;
}

/** @param {RegExp} sticky @param {string} text @param {number} at */
function matchAt(sticky, text, at) {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0] ?? '';
}
