/** `inspect.html?mailbox=henry`: the content of the files, what it means, and what happens to it. Looking moves no mail. */
import { element } from '../js/elements.js';
import { languageSwitch, onLanguageChange, say, sayIn, text } from '../js/language.js';
import { preparePage } from '../js/page.js';
import { Refusal, backOffMs } from '../js/server.js';
import { changesBetween, nameIn } from './changes.js';
import { FileSection } from './file-view.js';
import { Denial, LookStream, readMailboxes } from './look-stream.js';
import { clockWithSeconds } from './times.js';

const MOST_HAPPENINGS = 100;
/** The stages that mail passes through. */
const STAGES = /** @type {const} */ (['waiting', 'takes', 'log']);
/** More changes than this within this time are shown without being read out: nobody could listen to them. */
const BURST = 3;
const BURST_MS = 2000;

await preparePage('../inspect/lang/');

const which = element('select', { id: 'mailbox', class: 'field' });
const state = element('p', { role: 'status', class: 'state' });
const why = element('p', { class: 'bad', lang: 'en', hidden: true });
const tryIt = element('code');
const connected = element('dd');
const cursors = element('dd');
const marks = element('dd');
const happenings = element('ol', { role: 'list' });
const journal = element('div', { role: 'log', 'aria-labelledby': 'happenings', tabindex: '0' }, happenings);
const stages = Object.fromEntries(STAGES.map((stage) => [stage, stageOf(stage)]));
/** @type {Map<string, FileSection>} */
const sections = new Map();
/** @type {number[]} */
let heard = [];
/** @type {Look | undefined} */
let shown;
let mailbox = '';
let dir = '';
let failures = 0;

const stream = new LookStream({ onLook: show, onState: tell });
build();
await begin();

/** @param {string} stage */
function stageOf(stage) {
  const files = element('div');
  const none = say(element('p', { class: 'quiet' }), `${stage}.none`);
  const made = element(
    'section',
    { class: 'stage', 'aria-labelledby': `stage-${stage}` },
    say(element('h2', { id: `stage-${stage}` }), stage),
    say(element('p', { class: 'quiet' }), `${stage}.what`),
    none,
    files,
  );
  return { made, files, none };
}

function build() {
  const facts = element(
    'dl',
    {},
    ...[
      { key: 'connected', value: connected },
      { key: 'cursors', value: cursors },
      { key: 'marks', value: marks },
    ].flatMap(({ key, value }) => [say(element('dt'), key), value]),
  );
  document.body.replaceChildren(
    element(
      'header',
      {},
      say(element('h1'), 'inspect'),
      say(element('label', { for: 'mailbox' }), 'mailbox'),
      which,
      state,
      languageSwitch(),
    ),
    element(
      'main',
      {},
      element(
        'div',
        { class: 'intro' },
        say(element('p'), 'intro'),
        element('p', {}, say(element('span'), 'tryIt'), ' ', tryIt),
        why,
      ),
      element('aside', {}, facts, say(element('h2', { id: 'happenings' }), 'happenings'), journal),
      element(
        'div',
        { class: 'stages' },
        element(
          'p',
          { class: 'columns', 'aria-hidden': 'true' },
          say(element('span'), 'bytesColumn'),
          say(element('span'), 'saysColumn'),
        ),
        ...STAGES.map((stage) => stages[stage]?.made),
      ),
    ),
  );
  sayIn(document.querySelector('aside') ?? document.body, 'aria-label', 'aside');
  which.addEventListener('change', () => choose(which.value));
  addEventListener('pagehide', () => stream.close());
  onLanguageChange(() => {
    title();
    if (shown) showFacts(shown);
  });
}

async function begin() {
  try {
    const found = await readMailboxes();
    dir = found.dir ?? '';
    const asked = new URLSearchParams(location.search).get('mailbox')?.normalize('NFC').toLowerCase();
    const names = [...new Set([...found.mailboxes, ...(asked ? [asked] : [])])];
    which.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    choose(asked ?? names[0] ?? '');
  } catch (error) {
    if (error instanceof Denial) return tell('denied', error.message);
    if (!(error instanceof Refusal)) throw error;
    tell('reconnecting');
    setTimeout(() => void begin(), backOffMs(failures++));
  }
}

/** @param {string} name */
function choose(name) {
  mailbox = name;
  which.value = name;
  history.replaceState(null, '', `?${new URLSearchParams({ mailbox }).toString()}`);
  shown = undefined;
  happenings.replaceChildren();
  for (const { element: section } of sections.values()) section.remove();
  sections.clear();
  tryIt.textContent = `printf 'data: hi\\n\\n' >> ${inShell(`${dir}/${mailbox}.txt`)}`;
  title();
  tell('connecting');
  stream.follow(mailbox);
}

/** @param {string} path */
function inShell(path) {
  const short = path.replace(/^\.\//, '');
  return /^[\p{L}\p{N}_./][\p{L}\p{M}\p{N}_./-]*$/u.test(short) ? short : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

function title() {
  document.title = mailbox ? text('title', { mailbox }) : text('inspect');
}

/** @param {LookState} now @param {string} [because] */
function tell(now, because) {
  document.body.dataset['state'] = now;
  say(state, `state.${now}`);
  why.hidden = because === undefined;
  why.textContent = because ?? '';
}

/** @param {Look} look */
function show(look) {
  if (look.mailbox !== mailbox) return;
  if (shown) note(changesBetween(shown, look));
  showFiles(
    { waiting: look.file ? [look.file] : [], takes: look.takes, log: look.log.toReversed() },
    shown !== undefined,
  );
  showFacts(look);
  shown = look;
}

/** @param {Record<string, FileView[]>} files @param {boolean} isLater */
function showFiles(files, isLater) {
  const gone = new Set(sections.keys());
  for (const stage of STAGES) {
    const { files: place, none } = stages[stage] ?? stageOf(stage);
    const views = files[stage] ?? [];
    none.hidden = views.length > 0;
    const made = views.map((view) => {
      const known = sections.get(view.path);
      const section = known ?? new FileSection(view.path, { newestFirst: stage === 'log' });
      section.show(view, isLater && !known);
      sections.set(view.path, section);
      gone.delete(view.path);
      return section.element;
    });
    if (made.some((one, i) => place.children[i] !== one)) place.append(...made);
  }
  for (const path of gone) {
    sections.get(path)?.element.remove();
    sections.delete(path);
  }
}

/** @param {Look} look */
function showFacts({ streams, marks: ids, pid }) {
  replace(connected, [say(element('li'), 'here', { pid, n: streams.length })]);
  replace(cursors, streams.length > 0 ? streams.map((id) => element('li', {}, element('code', {}, id))) : [none()]);
  const all = Object.entries(ids).map(([name, id]) =>
    element(
      'li',
      {},
      say(element('span'), name === 'delivered' ? 'delivered' : 'readOf', { who: nameIn(name) }),
      ' ',
      element('code', {}, id),
    ),
  );
  replace(marks, all.length > 0 ? all : [none()]);
}

const none = () => say(element('li', { class: 'quiet' }), 'none');

/** Touches the page only where something has changed. @param {HTMLElement} place @param {HTMLElement[]} items */
function replace(place, items) {
  const list = element('ul', { role: 'list' }, ...items);
  if (place.firstElementChild?.outerHTML !== list.outerHTML) place.replaceChildren(list);
}

/** Newest first. @param {Change[]} changes */
function note(changes) {
  const now = Date.now();
  heard = [...heard.filter((time) => now - time < BURST_MS), ...changes.map(() => now)];
  journal.setAttribute('aria-live', heard.length > BURST ? 'off' : 'polite');
  for (const { key, values } of changes) {
    const when = element('time', {}, clockWithSeconds(now));
    happenings.prepend(element('li', {}, when, ' ', say(element('span'), key, values)));
  }
  while (happenings.childElementCount > MOST_HAPPENINGS) happenings.lastElementChild?.remove();
}
