/** Nobody reads mail of more senders than this: somebody has made up names. */
const MOST = 1000;

/** Marks by name, without the read marks that are furthest behind when there are too many. `delivered` always stays. */
export function newestReads(
  marks: Readonly<Record<string, string>>,
  compare: (a: string, b: string) => number,
): Readonly<Record<string, string>> {
  const reads = Object.entries(marks).filter(([name]) => name !== 'delivered');
  if (reads.length <= MOST) return marks;
  const kept = reads.toSorted(([, a], [, b]) => compare(b, a)).slice(0, MOST);
  return Object.fromEntries([...Object.entries(marks).filter(([name]) => name === 'delivered'), ...kept]);
}
