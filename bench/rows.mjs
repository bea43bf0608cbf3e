// @ts-check
/**
 * The rows of the tables: what is measured of each contestant, and the limits that tcplab has to
 * meet.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { client, compile, run } from './programs.mjs';
import { COLLECT_GARBAGE, PORTS } from './services.mjs';

/** @typedef {import('./contestants.mjs').Contestant} Contestant */

const LAST_CORE = cpus().length - 1;
const GB = 1e9;
/** More bytes than any run moves, so that the time limit ends it. */
const ENDLESS = 1e15;

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {string} unit
 * @property {boolean} [less] less is better
 * @property {number} [toNode] the lowest allowed ratio of tcplab to Node's net; ratios above 1 are
 *   better
 * @property {number} [toMock] the lowest allowed ratio to the mock
 * @property {number} [toC] the intended ratio to the C server
 * @property {number} [atMost] the largest allowed value of tcplab
 */

/** @type {Record<string, Row>} */
export const ROWS = {
  upload: { title: 'upload', unit: 'Gbit/s', toNode: 1.5, toMock: 0.85, toC: 1 },
  uploadcpu: { title: 'upload: processor time of the server', unit: 's/GB', less: true },
  upload16: { title: 'upload, 16 connections', unit: 'Gbit/s', toNode: 1.5, toMock: 0.85, toC: 1 },
  download: { title: 'download', unit: 'Gbit/s', toNode: 1.5, toMock: 0.85, toC: 1.5 },
  downloadcpu: { title: 'download: processor time of the server', unit: 's/GB', less: true },
  download16: {
    title: 'download, 16 connections',
    unit: 'Gbit/s',
    toNode: 1.5,
    toMock: 0.85,
    toC: 1.5,
  },
  roundtrip: { title: '1-byte round trip, p50, each end on its own core', unit: 'µs', less: true },
  roundtrip99: {
    title: '1-byte round trip, p99, each end on its own core',
    unit: 'µs',
    less: true,
  },
  free: { title: '1-byte round trip, p50, free', unit: 'µs', less: true, toNode: 1 },
  free99: { title: '1-byte round trip, p99, free', unit: 'µs', less: true, toNode: 1 },
  onecore: {
    title: '1-byte round trip, p50, on one core',
    unit: 'µs',
    less: true,
    toNode: 1 / 0.9,
    toC: 1 / 0.85,
  },
  onecore99: { title: '1-byte round trip, p99, on one core', unit: 'µs', less: true, toNode: 1 },
  connections1: { title: 'connect, echo, close; 1 at a time', unit: '/s', toNode: 1.2, toC: 1 },
  connections: { title: 'connect, echo, close; 64 at a time', unit: '/s', toNode: 1.2, toC: 1 },
  connectionscpu: { title: 'the same: processor time of the server', unit: 's/1000', less: true },
  idle: {
    title: 'memory of an idle connection (RSS, of 10,000)',
    unit: 'KB',
    less: true,
    atMost: 4,
  },
};

/**
 * The values of one run of the client, by row. `clientBusy` and `serverBusy`, where present, are
 * processor time per second of the run, in cores. A client that was partly idle did not limit the
 * server.
 *
 * @typedef {Record<string, number>} Values
 */

/**
 * @type {Record<string, (c: Contestant, seconds: number) => Values | Promise<Values>>} by its first
 *   row
 */
export const MEASUREMENTS = {
  upload: (c, seconds) => move(c, 'upload', 1, seconds, ''),
  upload16: (c, seconds) => move(c, 'upload', 16, seconds, '16'),
  download: (c, seconds) => move(c, 'download', 1, seconds, ''),
  download16: (c, seconds) => move(c, 'download', 16, seconds, '16'),
  roundtrip: (c, seconds) => roundTrips(c, seconds, 'roundtrip', 0, LAST_CORE),
  free: (c, seconds) => roundTrips(c, seconds, 'free'),
  onecore: (c, seconds) => roundTrips(c, seconds, 'onecore', 0, 0),
  connections1: (c, seconds) => ({ connections1: connections(c, 1, seconds).rate }),
  connections: (c, seconds) => {
    const { rate, cost, clientBusy, serverBusy } = connections(c, 64, seconds);
    return { connections: rate, connectionscpu: cost, clientBusy, serverBusy };
  },
};

/**
 * Measurements of a fresh server, because memory left over from other work would hide the memory of
 * connections.
 *
 * @type {Record<string, (c: Contestant, idle: number) => Promise<Values>>}
 */
export const FRESH = { idle: async (c, idle) => ({ idle: await idleKilobytes(c, idle) }) };

/**
 * @param {Contestant} c
 * @param {'upload' | 'download'} mode
 * @param {number} parallel
 * @param {number} seconds
 * @param {string} suffix
 * @returns {Values}
 */
function move(c, mode, parallel, seconds, suffix) {
  const port = mode === 'upload' ? PORTS.sink : PORTS.source;
  const before = processorSeconds(c);
  const moved = client(c, [mode, c.host, port, ENDLESS, seconds, parallel]);
  const spent = processorSeconds(c) - before;
  return {
    [`${mode}${suffix}`]: (moved.bytes * 8) / moved.seconds / 1e9,
    [`${mode}cpu${suffix}`]: spent / (moved.bytes / GB),
    clientBusy: moved.processorSeconds / moved.seconds,
    serverBusy: spent / moved.seconds,
  };
}

/**
 * Measures round trips, with both ends placed by the scheduler or each pinned to a core. Unpinned,
 * the result depends mostly on whether the scheduler places both ends on one core. With two cores
 * it is mostly the time to wake up a core; on one core it is the work of both ends.
 *
 * @param {Contestant} c
 * @param {number} seconds
 * @param {string} row
 * @param {number} [serverCore]
 * @param {number} [clientCore]
 * @returns {Values}
 */
function roundTrips(c, seconds, row, serverCore, clientCore) {
  const pin = (/** @type {string} */ list) =>
    run('taskset', ['-a', '-p', '-c', list, String(c.server.pid)]);
  if (serverCore !== undefined) pin(String(serverCore));
  try {
    const args = ['roundtrips', c.host, PORTS.echo, 1_000_000, seconds, 1];
    const trips = client(
      c,
      args,
      clientCore === undefined ? [] : ['taskset', '-c', String(clientCore)],
    );
    return { [row]: trips.p50Us, [`${row}99`]: trips.p99Us };
  } finally {
    pin(`0-${LAST_CORE}`);
  }
}

/** @param {Contestant} c @param {number} parallel @param {number} seconds */
function connections(c, parallel, seconds) {
  const before = processorSeconds(c);
  const args = ['connections', c.host, PORTS.echo, ENDLESS, seconds, parallel, ...c.sources];
  const made = client(c, args);
  const spent = processorSeconds(c) - before;
  return {
    rate: made.count / made.seconds,
    cost: spent / (made.count / 1000),
    clientBusy: made.processorSeconds / made.seconds,
    serverBusy: spent / made.seconds,
  };
}

/**
 * The growth of the server's memory per connection, with `count` open connections that were each
 * used once. Garbage is collected before both readings. Memory in the kernel counts for no process,
 * so it is not included.
 *
 * @param {Contestant} c
 * @param {number} count
 */
async function idleKilobytes(c, count) {
  connections(c, 8, 0.3); // warms up V8, so that compiled code does not count
  const before = await residentKilobytes(c);
  const args = ['idle', c.host, PORTS.echo, count, 20, 1, ...c.sources].map(String);
  const child = spawn(compile('client'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const line = await new Promise((done, fail) => {
      child.stdout.once('data', (/** @type {Buffer} */ chunk) => done(chunk.toString()));
      child.once('exit', (code) => fail(new Error(`${c.name}: client idle ended with ${code}`)));
    });
    const held = JSON.parse(line).count;
    if (held < count) throw new Error(`${c.name}: only ${held} of ${count} connections in 20 s`);
    return ((await residentKilobytes(c)) - before) / held;
  } finally {
    child.removeAllListeners('exit');
    const gone = new Promise((done) => child.once('exit', done));
    child.stdin.end();
    await gone;
  }
}

/** @param {Contestant} c */
async function residentKilobytes(c) {
  process.kill(/** @type {number} */ (c.server.pid), COLLECT_GARBAGE);
  await new Promise((done) => setTimeout(done, 500));
  return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${c.server.pid}/status`, 'utf8'))?.[1]);
}

/**
 * User and system time of a server so far. The kernel counts in hundredths of a second.
 *
 * @param {Contestant} c
 */
function processorSeconds(c) {
  // Fields 14 and 15 of proc(5). The 2nd is a name in parentheses, which may contain spaces.
  const fields =
    readFileSync(`/proc/${c.server.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
