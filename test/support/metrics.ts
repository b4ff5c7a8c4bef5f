/** The result of a scrape: the value of each sample under its name and labels, as the text has them. */
export type Metrics = Readonly<Record<string, number>>;

/** Scrapes the metrics, as Prometheus does. */
export async function scrape(url: string): Promise<Metrics> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`no metrics: ${response.status} ${await response.text()}`);
  return readMetrics(await response.text());
}

/** The samples in a text in Prometheus' format: one `name{labels} number` on each line. */
export function readMetrics(text: string): Metrics {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
