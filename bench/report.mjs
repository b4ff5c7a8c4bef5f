import { median } from './statistics.mjs';

/** @param {import('./findings.mjs').Findings} findings */
export function printFindings(findings) {
  const { title, metrics, rows, ratios, faults, notes } = findings;
  const head = ['', ...metrics.map(({ title }) => title)];
  const body = Array.from(rows.keys(), (row) => [
    findings.titleOf(row),
    ...metrics.map(({ name, digits }) => spread(findings.values(row, name), digits)),
  ]);
  console.log(`\n## ${title}\n`);
  printTable([head, ...body]);
  if (ratios.length > 0) {
    console.log();
    printTable([['ratio', 'median (min … max)'], ...ratios.map(({ title, values }) => [title, spread(values, 2)])]);
  }
  for (const note of notes) console.log(`\n${note}`);
  console.log(faults.length === 0 ? '\nEvery message came once and in order.' : `\n✗ ${faults.join('; ')}`);
}

/** @param {readonly import('./findings.mjs').Findings[]} all */
export function printGoals(all) {
  const goals = all.flatMap((findings) => findings.goals);
  if (goals.length === 0) return;
  console.log('\n## Goals (medians)\n');
  printTable([
    ['', 'goal', 'measured', 'limit'],
    ...goals.map(({ title, value, sense, limit, isMet }) => [
      isMet ? '✓' : '✗',
      title,
      short(value),
      `${sense} ${limit}`,
    ]),
  ]);
}

/** @param {readonly number[]} values @param {number} digits */
function spread(values, digits) {
  if (values.length === 0) return '–';
  const show = (/** @type {number} */ value) => value.toFixed(digits);
  if (values.length === 1) return show(median(values));
  return `${show(median(values))} (${show(Math.min(...values))} … ${show(Math.max(...values))})`;
}

/** @param {number} value */
function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–';
}

/** Prints a Markdown table, ready to paste. @param {readonly (readonly string[])[]} rows */
function printTable(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - cell.length)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  console.log([line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n'));
}
