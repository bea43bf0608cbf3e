// @ts-check
/**
 * 200 clients at a time, of five kinds at random, against the services behind a TUN device, with
 * 2 % loss each way. When all clients have ended, no connection, timer, buffer or descriptor may be
 * left, and memory must be back at its settled size. Runs in a private network namespace.
 *
 *     npm run soak                                        half an hour
 *     npm run soak -- --seconds 60 --clients 50 --seed 2
 *
 * Clients: curl GET; curl PUT; nc that half-closes and reads the echo; sockets that reset in the
 * middle of a transfer (SO_LINGER 0); sockets whose address is removed in the middle of a transfer,
 * so that only keep-alive and the user timeout can detect it.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ip, isolate } from '../../bench/programs.mjs';
import { SeededRandom } from '../../dist/base/random.js';
import { commandLine, wrongUsage } from '../tools/usage.mjs';
import { ADDRESS, DEVICE } from './names.mjs';

const { values: options } = commandLine(import.meta.url, {
  options: {
    seconds: { type: 'string', default: '1800' },
    clients: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const seconds = Number(options.seconds);
const clients = Number(options.clients);
const seed = Number(options.seed);
if (
  !(seconds >= 5 && seconds <= 86_400) ||
  !(clients >= 1 && clients <= 1000) ||
  !Number.isInteger(seed)
) {
  wrongUsage(
    import.meta.url,
    '--seconds is 5 to 86400, --clients 1 to 1000, --seed a whole number',
  );
}
isolate();

/** A client that takes longer counts as hung. */
const CLIENT_SECONDS = 60;
const HEAP_GROWTH = 6 << 20;
const RSS_GROWTH = 48 << 20;

const random = new SeededRandom(seed);
const server = fork(new URL('server.mjs', import.meta.url), [String(seed)], {
  execArgv: ['--expose-gc', '--heap-growing-percent=800'],
});
await once(server, 'message');
ip(`addr add 198.18.0.1/16 dev ${DEVICE}`);
ip(`link set ${DEVICE} txqueuelen 4096 up`);
ip('link set lo up');

/** The server's resources. @returns {Promise<import('./server.mjs').State>} */
async function ask() {
  const answer = once(server, 'message');
  server.send('state');
  return (await answer)[0];
}

/** How clients ended, by kind. @type {Record<string, number>} */
const ended = {};
/** Errors. @type {string[]} */
const wrong = [];
let nextAddress = 0;
let start = Date.now();

/** @param {string} script @param {RegExp} expected of its output */
function shell(script, expected) {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (/** @type {Buffer} */ d) => (said += d.toString()));
    child.stderr.on('data', (/** @type {Buffer} */ d) => (said += d.toString()));
    child.on('close', () => {
      if (!expected.test(said)) {
        const text = `${script}: ${said.trim().slice(0, 200)}`;
        wrong.push(text);
        if (wrong.length <= 5) console.log(`${Math.round((Date.now() - start) / 1000)} s: ${text}`);
      }
      resolve(undefined);
    });
  });
}

/**
 * A socket of the kernel in the middle of a transfer, to echo or from http. @param {string} [from]
 */
function connect(from) {
  const port = random.below(2) ? 7 : 80;
  const socket = net.connect({
    port,
    host: ADDRESS,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(
    port === 7 ? Buffer.alloc(size()) : `GET /bytes/${size()} HTTP/1.1\r\nHost: soak\r\n\r\n`,
  );
  return socket;
}

const size = () => 1 + random.below(random.below(10) === 0 ? 2_000_000 : 50_000);

/** @type {Record<string, () => Promise<unknown>>} */
const KINDS = {
  get() {
    const n = size();
    return shell(
      `curl -sS --max-time ${CLIENT_SECONDS} http://${ADDRESS}/bytes/${n} | wc -c`,
      new RegExp(`^${n}\\s*$`),
    );
  },
  put() {
    const n = size();
    return shell(
      `head -c ${n} /dev/zero | curl -sS --max-time ${CLIENT_SECONDS} -T - http://${ADDRESS}/upload`,
      new RegExp(`^${n} bytes`),
    );
  },
  halfClose() {
    const n = size();
    return shell(
      `head -c ${n} /dev/zero | timeout ${CLIENT_SECONDS} nc -N ${ADDRESS} 7 | wc -c`,
      new RegExp(`^${n}\\s*$`),
    );
  },
  async reset() {
    const socket = connect();
    await sleep(random.below(300));
    socket.resetAndDestroy();
  },
  async vanish() {
    const n = nextAddress++ % 20_000;
    const from = `198.18.${10 + (n >> 8)}.${n & 255}`;
    ip(`addr add ${from}/32 dev ${DEVICE}`);
    const socket = connect(from);
    await sleep(random.below(300));
    ip(`addr del ${from}/32 dev ${DEVICE}`);
    socket.destroy();
  },
};
const NAMES = Object.keys(KINDS);

/** @param {number} until */
async function client(until) {
  while (Date.now() < until) {
    const name = /** @type {string} */ (NAMES[random.below(NAMES.length)]);
    await KINDS[name]?.();
    ended[name] = (ended[name] ?? 0) + 1;
  }
}

// First one client of each kind, because Node opens some descriptors on first use.
for (const name of NAMES) await KINDS[name]?.();
const first = await ask();
start = Date.now();
const until = start + seconds * 1000;
const all = Promise.all(Array.from({ length: clients }, () => client(until)));
// Code, pools and tables grow in the first quarter of the time only.
await sleep(seconds * 250);
const settled = await ask();
let busy = settled;
while (Date.now() < until) {
  await sleep(Math.min(Math.max(5000, seconds * 50), Math.max(0, until - Date.now())));
  busy = await ask();
  const at = Math.round((Date.now() - start) / 1000);
  console.log(
    `${at} s`,
    JSON.stringify({ ...busy.left, rss: busy.rss, ...ended, wrong: wrong.length }),
  );
}
await all;
let after = await ask();
for (
  let waited = 0;
  waited < 60 && after.left.connections + after.left.timeWait + after.left.timers > 0;
  waited++
) {
  await sleep(1000);
  after = await ask();
}
server.send('end');
const [code] = await once(server, 'exit');

console.log(
  JSON.stringify({ seconds, clients, seed, ended, settled, busy, after, wrong }, null, 2),
);
const failures = [
  ...wrong.slice(0, 5),
  ...Object.entries(after.left)
    .filter(([, n]) => n !== 0)
    .map(([what, n]) => `${n} ${what} left over`),
  ...(after.descriptors > first.descriptors
    ? [`${after.descriptors - first.descriptors} descriptors left over`]
    : []),
  ...(after.broken === null ? [] : [after.broken]),
  ...(after.heapUsed - settled.heapUsed > HEAP_GROWTH ? ['the heap has grown'] : []),
  ...(after.rss - settled.rss > RSS_GROWTH ? ['resident memory has grown'] : []),
  ...(code === 0 ? [] : [`the server ended with ${code}`]),
  ...NAMES.filter((name) => !ended[name]).map((name) => `no client of the kind ${name} ended`),
];
for (const line of failures) console.error(`soak: ${line}`);
console.log(failures.length === 0 ? 'soak: nothing is left over' : 'soak: failed');
process.exit(failures.length === 0 ? 0 : 1);
