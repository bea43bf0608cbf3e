// @ts-check
/**
 * `npm run bench`: one client on the kernel's sockets (client.c), in turn against our stack and against Node's `net` on the
 * kernel's TCP, in one run on one machine. Both servers run the same services (services.mjs) on Duplex sockets.
 *
 *     client ──▶ TUN ──▶ our stack ──▶ services          client ──▶ veth ──▶ the kernel's TCP ──▶ node:net ──▶ services
 *
 * All of it happens in private network namespaces. Numbers of different runs say little on a shared machine; so the two take
 * turns, several rounds, and what counts is the ratio of the medians.
 *
 *     npm run bench                          the table
 *     npm run bench -- --json FILE           and everything measured, into FILE
 *     npm run bench -- --rounds 5 --rows upload,connections
 *     npm run bench -- --no-offload          our device without super-segments and partial checksums
 *     npm run bench -- --plain-node          Node's own defaults for V8's heap
 *     npm run bench -- --against-itself      node:net twice: what the ratio is when nothing differs
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { align, machine, median, show } from './figures.mjs';
import { client, compileClient, ip, isolate, run, start } from './programs.mjs';
import { PORTS } from './services.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const LAST_CORE = cpus().length - 1;
const SOURCES = 64;
/**
 * Of both servers. With Node's default of 16 MB a process that reads much data and has a small heap is in one of two states for seconds: in one of them V8
 * collects its whole heap every 32 MB, and a third to a half of the rate is lost (docs/performance.md, "Traps"). Which one is a matter of luck.
 */
const NODE_OPTIONS = ['--max-semi-space-size=32'];
const GB = 1e9;

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} host the address of its server
 * @property {string[]} sources addresses that the client may connect from
 * @property {import('node:child_process').ChildProcess} server
 */

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {string} unit
 * @property {boolean} less less is better
 * @property {(c: Contestant, seconds: number) => number} measure
 */

/** @type {Record<string, Row>} */
const ROWS = {
  upload: {
    title: 'upload: client sends, server reads',
    unit: 'Gbit/s',
    less: false,
    measure: (c, seconds) => move(c, 'upload', PORTS.sink, seconds),
  },
  uploadcpu: {
    title: 'upload: processor time of the server',
    unit: 'ms/GB',
    less: true,
    measure: (c) => lastMove.get(c) ?? NaN,
  },
  download: {
    title: 'download: server sends, client reads',
    unit: 'Gbit/s',
    less: false,
    measure: (c, seconds) => move(c, 'download', PORTS.source, seconds),
  },
  downloadcpu: {
    title: 'download: processor time of the server',
    unit: 'ms/GB',
    less: true,
    measure: (c) => lastMove.get(c) ?? NaN,
  },
  roundtrip: {
    title: '1-byte round trip, p50, each end on its own core',
    unit: 'µs',
    less: true,
    measure: (c, seconds) => roundTrips(c, seconds, 0, LAST_CORE).p50Us,
  },
  roundtrip99: {
    title: '1-byte round trip, p99, each end on its own core',
    unit: 'µs',
    less: true,
    measure: (c) => lastRoundTrips.get(c)?.p99Us ?? NaN,
  },
  onecore: {
    title: '1-byte round trip, p50, both ends on one core',
    unit: 'µs',
    less: true,
    measure: (c, seconds) => roundTrips(c, seconds, 0, 0).p50Us,
  },
  onecore99: {
    title: '1-byte round trip, p99, both ends on one core',
    unit: 'µs',
    less: true,
    measure: (c) => lastRoundTrips.get(c)?.p99Us ?? NaN,
  },
  connections: {
    title: 'connect + echo + close',
    unit: '/s',
    less: false,
    measure: (c, seconds) => {
      const { count, seconds: took } = client(c, ['connections', c.host, PORTS.echo, 8, seconds, ...c.sources]);
      return count / took;
    },
  },
};

/** A p99 is that of the very round trips whose p50 was taken before it. @type {Map<Contestant, { p50Us: number, p99Us: number }>} */
const lastRoundTrips = new Map();

/**
 * Round trips with server and client held to a core each, since a scheduler that once puts them together and once apart would be all that is
 * measured. With a core each they are mostly the time that the machine takes to wake a core up; on one core they are the work that is done.
 *
 * @param {Contestant} c @param {number} seconds @param {number} serverCore @param {number} clientCore
 */
function roundTrips(c, seconds, serverCore, clientCore) {
  const pin = (/** @type {string} */ list) => run('taskset', ['-a', '-p', '-c', list, String(c.server.pid)]);
  pin(String(serverCore));
  try {
    const args = ['roundtrips', c.host, PORTS.echo, 1_000_000, seconds];
    const trips = client(c, args, ['taskset', '-c', String(clientCore)]);
    lastRoundTrips.set(c, trips);
    return trips;
  } finally {
    pin(`0-${LAST_CORE}`);
  }
}

let nodeOptions = NODE_OPTIONS;

/** What the server's process spent on a bulk row, ms for each GB. @type {Map<Contestant, number>} */
const lastMove = new Map();

/** @param {Contestant} c @param {string} mode @param {number} port @param {number} seconds */
function move(c, mode, port, seconds) {
  const before = processorMs(c.server.pid);
  const moved = client(c, [mode, c.host, port, 4 * GB, seconds]);
  lastMove.set(c, (processorMs(c.server.pid) - before) / (moved.bytes / GB));
  return (moved.bytes * 8) / moved.seconds / 1e9;
}

/** User and system time of a process so far; the kernel counts in hundredths of a second. @param {number | undefined} pid */
function processorMs(pid) {
  // Fields 14 and 15 of proc(5), of which the 2nd is a name in parentheses.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/**
 * The addresses that the client connects from, on `device`, and the route that asks for CUBIC: Linux's default elsewhere,
 * but not on every machine.
 *
 * @param {string} device @param {string} net the first two bytes of the network
 */
function addSources(device, net) {
  const sources = Array.from({ length: SOURCES }, (_, i) => `${net}.1.${i + 1}`);
  for (const address of sources) ip(`addr add ${address}/32 dev ${device}`);
  return sources;
}

/** @param {string} name @param {number} n the network is 198.18.0.0/15's n-th /16 @returns {Promise<Contestant>} */
async function kernelContestant(name, n) {
  const net = `198.${18 + n}`;
  const { server } = await start('unshare', ['--net', process.execPath, ...nodeOptions, join(here, 'serve-node.mjs')]);
  const [near, far] = [`veth${n}`, `far${n}`];
  const inServer = (/** @type {string} */ text) =>
    run('nsenter', ['-t', String(server.pid), '-n', 'ip', ...text.split(' ')]);
  ip(`link add ${near} type veth peer name ${far} netns ${server.pid}`);
  ip(`addr add ${net}.0.1/16 dev ${near}`);
  ip(`link set ${near} up`);
  inServer(`addr add ${net}.0.2/16 dev ${far}`);
  inServer(`link set ${far} up`);
  inServer(`route change ${net}.0.0/16 dev ${far} src ${net}.0.2 congctl cubic`);
  return { name, host: `${net}.0.2`, sources: addSources(near, net), server };
}

/** @param {boolean} offload @returns {Promise<Contestant>} */
async function tcplabContestant(offload) {
  const { server, said } = await start(process.execPath, [
    ...nodeOptions,
    join(here, 'serve-tcplab.mjs'),
    ...(offload ? [] : ['--no-offload']),
  ]);
  ip(`link set ${said} mtu 1500 txqueuelen 4096 up`);
  ip(`addr add 198.18.0.1/16 dev ${said}`);
  return { name: 'tcplab', host: '198.18.0.2', sources: addSources(said, '198.18'), server };
}

async function main() {
  const { values: options } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '1.5' },
      rows: { type: 'string', default: Object.keys(ROWS).join(',') },
      json: { type: 'string' },
      'no-offload': { type: 'boolean', default: false },
      'plain-node': { type: 'boolean', default: false },
      'against-itself': { type: 'boolean', default: false },
    },
  });
  const rounds = Number(options.rounds);
  const seconds = Number(options.seconds);
  const names = options.rows.split(',');
  const unknown = names.find((name) => !(name in ROWS));
  if (unknown !== undefined)
    throw new Error(`there is no row ${unknown}: the rows are ${Object.keys(ROWS).join(', ')}`);
  if (!(rounds >= 1 && rounds <= 20) || !(seconds > 0 && seconds <= 10)) {
    throw new Error('--rounds is 1 to 20, --seconds up to 10');
  }

  if (options['plain-node']) nodeOptions = [];
  compileClient();
  isolate();
  ip('link set lo up');
  const first = options['against-itself']
    ? await kernelContestant("Node's net, once more", 0)
    : await tcplabContestant(!options['no-offload']);
  const contestants = [first, await kernelContestant("Node's net", 1)];
  try {
    measureAll(contestants, names, rounds, seconds, options.json);
  } finally {
    for (const { server } of contestants) {
      server.removeAllListeners('exit');
      server.stdin?.end();
      setTimeout(() => server.kill('SIGKILL'), 2000).unref();
    }
  }
}

/** @param {Contestant[]} contestants @param {string[]} names @param {number} rounds @param {number} seconds @param {string | undefined} json */
function measureAll(contestants, names, rounds, seconds, json) {
  // What runs first would pay for the compilers of V8.
  for (const c of contestants) for (const name of names) ROWS[name]?.measure(c, Math.min(0.4, seconds));

  /** @type {Record<string, Record<string, number[]>>} row, contestant, one value a round */
  const values = {};
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      // Who goes first changes from round to round.
      for (const c of round % 2 === 0 ? contestants : [...contestants].reverse()) {
        const value = ROWS[name]?.measure(c, seconds) ?? NaN;
        ((values[name] ??= {})[c.name] ??= []).push(value);
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }

  const [a, b] = contestants.map((c) => c.name);
  const table = [['', 'unit', `${a}`, `${b}`, 'ratio']];
  const results = names.map((name) => {
    const row = /** @type {Row} */ (ROWS[name]);
    const ours = values[name]?.[`${a}`] ?? [];
    const theirs = values[name]?.[`${b}`] ?? [];
    const ratio = row.less ? median(theirs) / median(ours) : median(ours) / median(theirs);
    const cell = (/** @type {number[]} */ v) =>
      `${show(median(v))} (${show(Math.min(...v))} to ${show(Math.max(...v))})`;
    table.push([row.title, row.unit, cell(ours), cell(theirs), ratio.toFixed(2)]);
    return { row: name, ...row, ratio, values: values[name] };
  });
  console.log(
    `${align(table, 2)}\n\nMedian of ${rounds} rounds (least to most). Ratio: above 1, ${a} is better. ${machine()}, MTU 1500.`,
  );
  if (json !== undefined) {
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(
      json,
      `${JSON.stringify({ date: new Date().toISOString(), machine: machine(), rounds, seconds, results }, null, 2)}\n`,
    );
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
