/** The word that was probably meant: the most similar one, if it is similar enough. */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_\s]/g, '');
  const near = words.flatMap((word) => {
    const [a, b] = [plain(typed), plain(word)];
    const isPart = Math.min(a.length, b.length) > 2 && (a.includes(b) || b.includes(a));
    const edits = isPart ? 1 : distance(a, b);
    return edits <= Math.max(1, b.length / 3) ? [{ word, edits }] : [];
  });
  return near.toSorted((one, other) => one.edits - other.edits)[0]?.word;
}

/** Levenshtein's distance: how many letters to insert, delete or change. Computed row by row. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j += 1) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + Number(letter !== to[j])));
    }
    row = next;
  }
  return row.at(-1)!;
}
