import { spawnSync } from 'node:child_process';
import { register } from 'node:module';
import { Findings } from '../findings.mjs';
import { EMPTY, measure, names } from '../measure.mjs';

const SERVER = process.env['NATS_SERVER'] ?? 'nats-server';
const ALL_CORES = '0-1';

/**
 * Mail in files against mail on three NATS servers, through our HTTP.
 * @param {import('../measure.mjs').Setting} setting
 */
export async function run(setting) {
  const findings = new Findings('nats', 'Throughput of 100 publishers to 32 listening receivers, by store', [
    { name: 'accepted', title: 'accepted/s', digits: 0 },
    { name: 'delivered', title: 'delivered/s', digits: 0 },
    { name: 'cpuEach', title: 'CPU µs each', digits: 0 },
    { name: 'serverCpu', title: 'server CPU %', digits: 0, scale: 100 },
  ]);
  if (spawnSync(SERVER, ['--version']).status !== 0) {
    findings.notes.push('Left out: there is no nats-server here. NATS_SERVER=<path> names one.');
    return findings;
  }
  const seconds = setting.quick ? { warmSeconds: 1, seconds: 2 } : { warmSeconds: 3, seconds: 6 };
  const job = { publishers: 100, presence: 'listening', receivers: names(32), cursor: EMPTY, ...seconds };
  for (let i = 0; i < setting.runs; i += 1) {
    findings.add('files', 'files', await measure('product', 'throughput', job, setting, { cores: ALL_CORES }));
    findings.add('nats', 'three NATS servers, sync always', await onCluster(job, setting));
  }
  findings.ratio('nats', 'files', 'delivered');
  findings.notes.push(
    'All processes share the two cores, the three NATS servers too; their disks are one disk. CPU is of our server alone.',
  );
  return findings;
}

/** @param {Record<string, unknown>} job @param {import('../measure.mjs').Setting} setting */
async function onCluster(job, setting) {
  if (!('typescript' in process.features)) register('../../scripts/ts-hooks.mjs', import.meta.url);
  const { NatsCluster } = await import('../../test/jetstream/kit/nats-cluster.ts');
  const cluster = await NatsCluster.start();
  try {
    const servers = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const monitors = cluster.nodes.map((node) => node.monitor).join(',');
    const args = ['--store', `nats://${servers}?monitor=${monitors}`];
    return await measure('product', 'throughput', { ...job, cursor: undefined }, setting, { args, cores: ALL_CORES });
  } finally {
    await cluster.stop();
  }
}
