// @ts-check
/**
 * The contestants: servers with the same services, each behind its own device in its own network.
 * All run at once, and the client drives one at a time.
 *
 *     client ──▶ TUN ──▶ our stack, Duplex sockets
 *     client ──▶ veth ──▶ the kernel's TCP ──▶ node:net, or C and epoll
 *     client ──▶ TUN ──▶ a mock, which only keeps sequence numbers
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, ip, run, start } from './programs.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const SOURCES = 64;
/** In packets. Large enough that the queue does not drop the kernel's bursts. */
const TUN_QUEUE = 4096;

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} host the address of its server
 * @property {string[]} sources addresses that the client may connect from
 * @property {import('node:child_process').ChildProcess} server
 * @property {() => Promise<void>} restart replaces the server by a new one
 */

/**
 * @typedef {{ title: string, start: (network: Network, nodeOptions: string[]) =>
 *   Promise<import('node:child_process').ChildProcess> }} Kind
 */

/**
 * The n-th /20 of 198.18.0.0/16 (RFC 2544's range for benchmarks).
 *
 * @typedef {ReturnType<typeof networkOf>} Network
 */
const networkOf = (/** @type {number} */ n) => {
  const third = 16 * n;
  return {
    client: `198.18.${third}.1/20`,
    server: `198.18.${third}.2`,
    prefix: `198.18.${third}.0/20`,
    sources: Array.from({ length: SOURCES }, (_, i) => `198.18.${third + 1}.${i + 1}`),
    near: `near${n}`,
    far: `far${n}`,
  };
};

/**
 * A Node program of this folder, behind a TUN device.
 *
 * @param {string} script
 * @param {string[]} options
 * @returns {Kind['start']}
 */
const behindTun =
  (script, ...options) =>
  async (network, nodeOptions) => {
    const address = script === 'serve-mock.mjs' ? [] : ['--address', `${network.server}/20`];
    const args = [
      ...nodeOptions,
      join(here, script),
      '--name',
      network.near,
      ...address,
      ...options,
    ];
    const { server } = await start(process.execPath, args);
    return orEnd(server, () => ip(`link set ${network.near} mtu 1500 txqueuelen ${TUN_QUEUE} up`));
  };

/**
 * A program on the kernel's sockets, in a namespace behind a veth pair. The route sets CUBIC,
 * because some machines have another default.
 *
 * @param {(nodeOptions: string[]) => string[]} command
 * @returns {Kind['start']}
 */
const behindVeth = (command) => async (network, nodeOptions) => {
  // The row of 10,000 connections needs more descriptors than some shells allow.
  const { server } = await start('unshare', [
    '--net',
    'prlimit',
    '--nofile=16384:',
    ...command(nodeOptions),
  ]);
  const inServer = (/** @type {string} */ text) =>
    run('nsenter', ['-t', String(server.pid), '-n', 'ip', ...text.split(' ')]);
  return orEnd(server, () => {
    ip(`link add ${network.near} type veth peer name ${network.far} netns ${server.pid}`);
    ip(`link set ${network.near} up`);
    inServer(`addr add ${network.server}/20 dev ${network.far}`);
    inServer(`link set ${network.far} up`);
    inServer(
      `route change ${network.prefix} dev ${network.far} src ${network.server} congctl cubic`,
    );
  });
};

/**
 * Runs `setUp` and returns the server. Kills the server if `setUp` throws.
 *
 * @param {import('node:child_process').ChildProcess} server
 * @param {() => unknown} setUp
 */
function orEnd(server, setUp) {
  try {
    setUp();
    return server;
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
}

const nodeNet = behindVeth((nodeOptions) => [
  process.execPath,
  ...nodeOptions,
  join(here, 'serve-node.mjs'),
]);

/** @type {Record<string, Kind>} */
export const KINDS = {
  tcplab: { title: 'tcplab', start: behindTun('serve-tcplab.mjs') },
  plain: {
    title: 'tcplab, no offloads',
    start: behindTun('serve-tcplab.mjs', '--offload', 'software'),
  },
  single: {
    title: 'tcplab, each segment by itself',
    start: behindTun('serve-tcplab.mjs', '--offload', 'none'),
  },
  record: {
    title: 'tcplab, recorded',
    start: behindTun('serve-tcplab.mjs', '--record'),
  },
  node: { title: "Node's net", start: nodeNet },
  c: { title: 'C, epoll', start: behindVeth(() => [compile('serve-epoll')]) },
  mock: { title: 'mock', start: behindTun('serve-mock.mjs') },
  plainmock: { title: 'mock, no offloads', start: behindTun('serve-mock.mjs', '--no-offload') },
  again: { title: "Node's net, once more", start: nodeNet },
};

/**
 * Another build of tcplab as an additional contestant.
 *
 * @param {string} dist its folder `dist`
 * @returns {Kind}
 */
export const otherBuild = (dist) => ({
  title: 'tcplab, other',
  start: behindTun('serve-tcplab.mjs', '--dist', dist),
});

/**
 * Starts a contestant in network `n`.
 *
 * @param {string} name
 * @param {Kind} kind
 * @param {number} n
 * @param {string[]} nodeOptions
 * @returns {Promise<Contestant>}
 */
export async function startContestant(name, kind, n, nodeOptions) {
  const network = networkOf(n);
  const launch = async () => {
    const server = await kind.start(network, nodeOptions);
    return orEnd(server, () => {
      ip(`addr add ${network.client} dev ${network.near}`);
      for (const address of network.sources) ip(`addr add ${address}/32 dev ${network.near}`);
    });
  };
  const contestant = {
    name,
    host: network.server,
    sources: network.sources,
    server: await launch(),
    async restart() {
      contestant.server = await launch();
    },
  };
  return contestant;
}
