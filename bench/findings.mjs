import { median } from './statistics.mjs';

/**
 * @typedef {object} Metric
 * @property {string} name  the field in the result of a job
 * @property {string} title
 * @property {number} digits
 * @property {number} [scale]
 */

/** The results of a scenario: for each row the values of every metric, one for each run. */
export class Findings {
  scenario;
  title;
  metrics;
  /** @type {Map<string, Record<string, number[]>>} */
  rows = new Map();
  /** @type {Map<string, string>} */
  #titles = new Map();
  /** @type {string[]} */
  faults = [];
  /** @type {{ title: string, values: readonly number[] }[]} */
  ratios = [];
  /** @type {{ title: string, value: number, sense: '≤' | '≥', limit: number, isMet: boolean }[]} */
  goals = [];
  /** @type {string[]} */
  notes = [];

  /** @param {string} scenario @param {string} title @param {readonly Metric[]} metrics */
  constructor(scenario, title, metrics) {
    this.scenario = scenario;
    this.title = title;
    this.metrics = metrics;
  }

  /** @param {string} row @param {string} title @param {Record<string, any>} found  by one run */
  add(row, title, found) {
    this.#titles.set(row, title);
    const values = this.rows.get(row) ?? {};
    this.rows.set(row, values);
    for (const { name, scale = 1 } of this.metrics) {
      if (typeof found[name] === 'number') (values[name] ??= []).push(found[name] * scale);
    }
    for (const [fault, count] of Object.entries(found['faults'] ?? {})) {
      if (count > 0) this.faults.push(`${title}: ${count} ${fault}`);
    }
  }

  /** @param {string} row */
  titleOf(row) {
    return this.#titles.get(row) ?? row;
  }

  /** @param {string} row @param {string} metric @returns {readonly number[]} */
  values(row, metric) {
    return this.rows.get(row)?.[metric] ?? [];
  }

  /**
   * The ratio of one row's metric to another's, run by run.
   * @param {string} row @param {string} to @param {string} metric
   */
  ratio(row, to, metric) {
    const others = this.values(to, metric);
    const values = this.values(row, metric).map((value, i) => value / (others[i] ?? Number.NaN));
    const { title } = /** @type {Metric} */ (this.metrics.find(({ name }) => name === metric));
    this.ratios.push({ title: `${title}: ${this.titleOf(row)} / ${this.titleOf(to)}`, values });
    return values;
  }

  /** @param {string} title @param {readonly number[]} values @param {'≤' | '≥'} sense @param {number} limit */
  goal(title, values, sense, limit) {
    const value = median(values);
    this.goals.push({ title, value, sense, limit, isMet: sense === '≤' ? value <= limit : value >= limit });
  }

  toJSON() {
    const { scenario, title, metrics, faults, ratios, goals, notes } = this;
    const rows = Array.from(this.rows, ([row, values]) => ({ row, title: this.titleOf(row), values }));
    return { scenario, title, metrics, rows, ratios, goals, faults, notes };
  }
}
