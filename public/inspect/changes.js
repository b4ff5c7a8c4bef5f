/** What has happened between two looks at the files of a mailbox, in the order in which mail moves through them. */

/** @param {Look} before @param {Look} after @returns {Change[]} */
export function changesBetween(before, after) {
  return [
    ...mailboxChanges(before, after),
    ...takeChanges(before, after),
    ...logChanges(before, after),
    ...markChanges(before, after),
    ...listenerChanges(before, after),
  ];
}

/** @param {string} key @param {Record<string, string | number>} [values] @returns {Change} */
const change = (key, values = {}) => ({ key, values });

/** The new files. A renamed file is not new. @param {FileView[]} before @param {FileView[]} after */
const added = (before, after) => after.filter(({ ino }) => !before.some((known) => known.ino === ino));

/** @param {Look} before @param {Look} after */
function mailboxChanges({ file: before }, { file: after }) {
  if (!after) return before ? [change('happened.gone', { path: before.path })] : [];
  const had = before?.ino === after.ino ? before.size : 0;
  const { path, size } = after;
  if (size > had) return [change('happened.appended', { path, n: size - had })];
  return before ? [] : [change('happened.made', { path })];
}

/** @param {Look} before @param {Look} after */
function takeChanges({ takes: before, file: was }, { takes: after }) {
  const taken = added(before, after).map(({ path, size, ino }) =>
    // It was drained so quickly that no look showed it in the mailbox.
    change(was?.ino === ino && was.size < size ? 'happened.appendedAndTaken' : 'happened.taken', { path, n: size }),
  );
  const grown = after.flatMap(({ path, size, ino }) => {
    const known = before.find((take) => take.ino === ino);
    return known && size > known.size ? [change('happened.appended', { path, n: size - known.size })] : [];
  });
  const gone = added(after, before).map(({ path }) => change('happened.retired', { path }));
  return [...taken, ...grown, ...gone];
}

/** @param {Look} before @param {Look} after */
function logChanges({ log: before }, { log: after }) {
  return after.flatMap(({ path, size }) => {
    const had = before.find((segment) => segment.path === path)?.size ?? 0;
    return size > had ? [change('happened.logged', { path, n: size - had })] : [];
  });
}

/** @param {Look} before @param {Look} after */
function markChanges({ marks: before }, { marks: after }) {
  return Object.entries(after).flatMap(([name, id]) => {
    if (before[name] === id) return [];
    return [
      name === 'delivered' ? change('happened.delivered', { id }) : change('happened.read', { id, who: nameIn(name) }),
    ];
  });
}

/** @param {string} mark `read:<sender>` */
export const nameIn = (mark) => mark.slice(mark.indexOf(':') + 1);

/** @param {Look} before @param {Look} after */
function listenerChanges(before, after) {
  const [was, is] = [before.streams.length, after.streams.length];
  if (was === is) return [];
  return [change(is > was ? 'happened.came' : 'happened.went', { n: is })];
}
