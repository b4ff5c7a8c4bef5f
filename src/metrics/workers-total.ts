import { AggregatorRegistry, type Registry } from 'prom-client';

/** What one process has counted, as it goes from process to process. */
export type Report = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** One registry of all: what is counted is added up; each gauge says how it is combined. */
export function totalOf(reports: readonly Report[]): Registry {
  return AggregatorRegistry.aggregate([...reports]);
}

/** What is left of workers that have ended: what they counted, and nothing of how they stood. */
export function leftOf(reports: readonly Report[]): Report {
  const metrics = totalOf(reports).getMetricsAsArray() as Report;
  return metrics.filter(({ type }) => RISING.has(String(type)));
}

const RISING: ReadonlySet<string> = new Set(['counter', 'histogram']);
