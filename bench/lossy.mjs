// @ts-check
/**
 * `npm run throughput:kernel`: our TCP against the kernel's over the same lossy link, for several
 * loss rates and round-trip times.
 *
 *     the kernel ──▶ TUN ─ link ─ our stack                          our stack against the kernel
 *     the kernel ──▶ TUN ─ link ─ TUN ──▶ another kernel namespace   the kernel against itself
 *
 * Both links run the same code with the same seed, either in front of our stack or in a relay. One
 * client on the kernel's sockets drives both in turn. All ends use CUBIC. Writes the medians to
 * docs/throughput-kernel.md, or prints them only with `--print`.
 *
 *     npm run throughput:kernel          all cells, 5 seeds of 5 s each (about 25 minutes)
 *     npm run throughput:kernel -- --seeds 3 --seconds 4 --cells '1% 20ms, 0% 100ms'
 *     npm run throughput:kernel -- --congestion bbr --print
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../test/tools/usage.mjs';
import { align, machine, median } from './figures.mjs';
import { Patience } from './patience.mjs';
import { client, compile, ip, isolate, run, start } from './programs.mjs';
import { PORTS } from './services.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const GB = 1e9;
/**
 * The rate of the bottleneck and its queue. At 50 ms the queue holds one round trip of data, so
 * CUBIC fills the link if no losses are simulated.
 */
const RATE_MBIT = 100;
const QUEUE_PACKETS = 400;
const LOSSES = ['0%', '0.1%', '1%', '5%'];
const ROUND_TRIPS = ['2ms', '20ms', '100ms'];
const SERVER = '198.18.0.2';
const CLIENT = '198.18.0.1';

/** @typedef {{ loss: string, roundTrip: string }} Cell */
/** @typedef {'upload' | 'download'} Way */

/** @param {Cell} cell @param {number} seed */
function linkOf({ loss, roundTrip }, seed) {
  const oneWay = `${(parseFloat(roundTrip) * 1000) / 2}us`;
  // Only data packets are dropped. Lost ACKs would measure something else.
  return (way = '') =>
    `${way} loss ${loss} both delay ${oneWay} rate ${RATE_MBIT}mbit limit ${QUEUE_PACKETS} ` +
    `seed ${seed}`;
}

/** The congestion control of the far side; the client always uses CUBIC. */
let congestion = 'cubic';

/** @param {number} seconds @param {Way} way Mbit/s */
function transfer(name = '', way = /** @type {Way} */ ('upload'), seconds = 4) {
  const port = way === 'upload' ? PORTS.sink : PORTS.source;
  const moved = client({ name }, [way, SERVER, port, 4 * GB, seconds, 1], [], seconds + 60);
  return (moved.bytes * 8) / moved.seconds / 1e6;
}

/** @param {string} link @param {() => number} measure */
async function withOurs(link, measure) {
  const { server } = await start(process.execPath, [
    join(here, 'serve-tcplab.mjs'),
    '--offload',
    'none',
    '--congestion',
    congestion,
    '--link',
    link,
  ]);
  try {
    ip(`addr add ${CLIENT}/24 dev tcplab0`);
    ip('link set tcplab0 mtu 1500 txqueuelen 4096 up');
    ip('route change 198.18.0.0/24 dev tcplab0 congctl cubic');
    return measure();
  } finally {
    await stop(server);
  }
}

/** @param {string} link @param {() => number} measure */
async function withKernel(link, measure) {
  const relay = await start(process.execPath, [join(here, 'lossy-relay.mjs'), '--link', link]);
  const { server } = await start('unshare', [
    '--net',
    process.execPath,
    join(here, 'serve-node.mjs'),
  ]);
  try {
    const far = (/** @type {string} */ text) =>
      run('nsenter', ['-t', String(server.pid), '-n', 'ip', ...text.split(' ')]);
    ip(`link set far0 netns ${server.pid}`);
    far(`addr add ${SERVER}/24 dev far0`);
    far('link set far0 mtu 1500 txqueuelen 4096 up');
    far(`route change 198.18.0.0/24 dev far0 congctl ${congestion}`);
    ip(`addr add ${CLIENT}/24 dev tcplab0`);
    ip('link set tcplab0 mtu 1500 txqueuelen 4096 up');
    ip('route change 198.18.0.0/24 dev tcplab0 congctl cubic');
    return measure();
  } finally {
    await stop(relay.server);
    await stop(server);
  }
}

/** @param {import('node:child_process').ChildProcess} server */
function stop(server) {
  server.removeAllListeners('exit');
  const gone = new Promise((done) => server.once('exit', done));
  server.stdin?.end();
  const timer = setTimeout(() => server.kill('SIGKILL'), 2000);
  return gone.then(() => clearTimeout(timer));
}

/** @param {string} text `1% 20ms, 5% 100ms` @returns {Cell[]} */
const cellsOf = (text) =>
  text.split(',').map((cell) => {
    const [loss = '', roundTrip = ''] = cell.trim().split(/\s+/);
    return { loss, roundTrip };
  });

async function main() {
  const { values: o } = commandLine(import.meta.url, {
    options: {
      seeds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      cells: {
        type: 'string',
        default: LOSSES.flatMap((l) => ROUND_TRIPS.map((r) => `${l} ${r}`)).join(','),
      },
      congestion: { type: 'string', default: 'cubic' },
      print: { type: 'boolean', default: false },
    },
  });
  const seeds = Number(o.seeds);
  const seconds = Number(o.seconds);
  if (!(seeds >= 1 && seeds <= 100) || !(seconds > 0 && seconds <= 30))
    throw new Error('--seeds is 1 to 100, --seconds up to 30');
  congestion = o.congestion;
  compile('client');
  isolate();
  ip('link set lo up');
  // Metrics that the kernel caches from one connection must not affect the next.
  writeFileSync('/proc/sys/net/ipv4/tcp_no_metrics_save', '1');

  const head = [
    'loss',
    'RTT',
    'kernel to us',
    'kernel to kernel',
    'ratio',
    'us to kernel',
    'kernel to kernel',
    'ratio',
  ];
  const patience = new Patience();
  const orFailed = (/** @type {string} */ cell) => (cell === 'NaN' ? 'failed' : cell);
  const table = [head];
  const ratios = [];
  for (const cell of cellsOf(o.cells)) {
    const row = [cell.loss, cell.roundTrip];
    for (const way of /** @type {Way[]} */ (['upload', 'download'])) {
      /** @type {number[]} */
      const ours = [];
      /** @type {number[]} */
      const theirs = [];
      for (let seed = 1; seed <= seeds; seed++) {
        // Data of an upload enters the link as the server's incoming traffic.
        const link = linkOf(cell, seed)(way === 'upload' ? 'in' : 'out');
        const what = `${way}, ${cell.loss} ${cell.roundTrip}, seed ${seed}`;
        const our = await patience.attempt('tcplab', what, () =>
          withOurs(link, () => transfer('tcplab', way, seconds)),
        );
        const their = await patience.attempt('kernel', what, () =>
          withKernel(link, () => transfer('kernel', way, seconds)),
        );
        if (our !== null) ours.push(our);
        if (their !== null) theirs.push(their);
      }
      const ratio = median(ours) / median(theirs);
      if (Number.isFinite(ratio)) ratios.push(ratio);
      row.push(
        ...[median(ours).toFixed(1), median(theirs).toFixed(1), ratio.toFixed(2)].map(orFailed),
      );
    }
    table.push(row);
    if (process.stderr.isTTY || o.print) process.stderr.write(`${row.join('  ')}\n`);
  }
  const text = `${align(table, 2)}

Mbit/s, median of ${seeds} seeds of ${seconds} s each.
The lowest ratio is ${Math.min(...ratios).toFixed(2)}.
The link has ${RATE_MBIT} Mbit/s and a queue of ${QUEUE_PACKETS} packets, and drops only data.
${machine()}.
`;
  console.log(text);
  for (const note of patience.notes()) console.log(note);
  if (!o.print) writeFileSync(join(dirname(here), 'docs', 'throughput-kernel.md'), page(text));
}

/** @param {string} text */
const page = (text) => `# Against the kernel's TCP over a lossy link

Made by \`npm run throughput:kernel\` (about 25 minutes, as root or where users may create network
namespaces); do not edit.

\`\`\`
the kernel ──▶ TUN ─ link ─ our stack                            "kernel to us", "us to kernel"
the kernel ──▶ TUN ─ link ─ TUN ──▶ another namespace's kernel   "kernel to kernel"
\`\`\`

Both links run the same code with the same seeds, either in front of our stack or in a relay between
two TUN devices. No offloads, MTU 1500, CUBIC at all ends. The far side is Node in both cases, on
our sockets or on \`node:net\`.

${text}`;

try {
  await main();
} catch (error) {
  console.error(`throughput: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
