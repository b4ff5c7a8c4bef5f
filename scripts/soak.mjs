/**
 * The long form of the fault tests:
 *
 *     npm run soak -- --minutes 10 [--seed 7] [--processes 3]
 *                                                  processes on one directory killed, stopped and ended at random, then the oracle
 *     npm run soak -- --writers 100 [--appends 1000000]
 *                                                  that many programs in other languages, which append to the mailboxes, while
 *                                                  the server is killed twice a minute
 *     npm run soak -- --nats [--mailboxes 100]     mailboxes on three NATS servers, which are killed and paused (NATS_SERVER
 *                                                  names the program; about 3 minutes)
 *     npm run soak -- --clients [--cuts 1000]      libraries and programs of other makers listen while their connections are cut
 *     npm run soak -- --every-call [--only append] [--fault KILL]
 *                                                  killed, and failed, at each call of each operation
 *     npm run soak -- --changes 100000             that many messages, edits, removals and reactions, and what shows them
 *
 * Prints a line every 10 s and the figures at the end; exits 1 when anything was lost, shown twice or reordered.
 */
import { register } from 'node:module';
import { parseArgs } from 'node:util';

if (!('typescript' in process.features)) register('./ts-hooks.mjs', import.meta.url);

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    'every-call': { type: 'boolean', default: false },
    nats: { type: 'boolean', default: false },
    clients: { type: 'boolean', default: false },
    cuts: { type: 'string', default: '1000' },
    changes: { type: 'string' },
    mailboxes: { type: 'string', default: '100' },
    only: { type: 'string' },
    fault: { type: 'string' },
    processes: { type: 'string' },
    writers: { type: 'string' },
    appends: { type: 'string', default: '1000000' },
    'fault-every-ms': { type: 'string' },
  },
});
const report = (line) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
report(`seed ${seed}`);

const NOTHING = { lost: 0, twice: 0, reordered: 0, strange: 0 };
let result;
if (values['every-call']) {
  const { everyCall } = await import('../test/faults/every-call.ts');
  result = await everyCall({ report, only: values.only, fault: values.fault });
} else if (values.nats) {
  const { clusterSoak } = await import('../test/jetstream/kit/cluster-soak.ts');
  result = await clusterSoak({ seed, mailboxes: Number(values.mailboxes), report });
} else if (values.clients) {
  const { soakClients } = await import('../test/clients/soak.ts');
  result = await soakClients({ seed, cuts: Number(values.cuts), report });
} else if (values.changes) {
  const { talkAtRandom } = await import('../test/browser/random-talk.ts');
  result = { ...NOTHING, complaints: await talkAtRandom({ seed, events: Number(values.changes), report }) };
} else {
  const { soak } = await import('../test/faults/soak.ts');
  result = await soak({
    seed,
    durationMs: Number(values.minutes) * 60_000,
    report,
    ...(values.writers && underFire(Number(values.writers), Number(values.appends))),
    ...(values.processes && { processes: Number(values.processes) }),
    ...(values['fault-every-ms'] && { faultEveryMs: Number(values['fault-every-ms']) }),
  });
}
report(JSON.stringify(result, null, 2));
const { lost, twice, reordered, strange, complaints } = result;
process.exit(lost + twice + reordered + strange + complaints.length > 0 ? 1 : 0);

/** One server, killed about every 30 s; 20 messages a second from each writer, and one sender beside them. */
function underFire(writers, appends) {
  return {
    processes: 1,
    sendersPerMailbox: 1,
    foreign: [],
    examples: { writers, appends, restMs: 1000 },
    faults: ['kill'],
    faultEveryMs: 11_000,
  };
}
