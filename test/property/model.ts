/**
 * A connection between two stacks, with random calls by users and random failures of the network.
 * The model is that a connection is two queues of bytes, each of which ends with EOF or with the
 * connection.
 *
 *     user ── calls ──▶ stack ──▶ bad link ──▶ stack ◀── calls ── user
 *       └── what it wrote ──▶ queue of bytes ──▶ what the other one may read ──┘
 *
 * Checked after each event (model-user.ts): the bytes read are those written, in order; EOF comes
 * after the last byte, and only if the writer closed; "all acknowledged" means arrived. Checked at
 * the end, here: a user got EOF or an error; an error has a cause (the other user aborted, or
 * closed with data unread or in transit, or the network failed for long) and is the right one for
 * the state; both stacks are empty again, with no timer left.
 */
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import type { PacketTap } from '../../src/device/capture.js';
import type { Stack, StackOptions } from '../../src/stack/stack.js';
import { State } from '../../src/tcp/state.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { fixIsn } from '../sim/isn.js';
import { A4, A6, B4, B6, Hosts } from '../stack/hosts.js';
import { Party } from './model-user.js';
import { configOf, type Step, type World } from './model-worlds.js';

const HOUR = 3600 * SECOND;
const PORTS = [8, 7] as const;

/** For tests that look at the stacks: how to make one, and when the world ended. */
export interface StackMaker {
  readonly make?: (o: StackOptions) => Stack;
  readonly ends?: (now: number) => void;
}

/**
 * Returns null, or the violation of the model. `count` gets how each user's connection ended, `tap`
 * the client's packets.
 */
export function play(
  world: World,
  script: readonly Step[],
  count: (end: string) => void = () => {},
  tap?: PacketTap,
  stacks: StackMaker = {},
): string | null {
  const lane = { ...NO_IMPAIRMENTS, ...world.link };
  const h = new Hosts({
    seed: world.seed,
    offload: world.offload,
    link: { seed: world.seed, in: lane, out: lane },
    config: configOf(world),
    tap,
    make: stacks.make,
  });
  const now = (): number => h.time.now;
  fixIsn(h.a, world.isns[0], now);
  fixIsn(h.b, world.isns[1], now);
  const parties = [new Party(0, h.a, now), new Party(1, h.b, now)] as const;
  const [client, server] = parties;
  client.other = server;
  server.other = client;
  let cut = false;
  try {
    open(world, h, client, server);
    for (const { who, what } of script) {
      parties[who].do(what);
      if (what.call === 'cut' && world.mortal) cut = true;
      lane.loss = cut || what.call === 'dark' ? 1 : world.link.loss;
      h.time.pass(what.call === 'wait' || what.call === 'dark' ? what.ms * MILLISECOND : 0);
      if (!cut) lane.loss = world.link.loss;
      h.check();
    }
    finish(h, parties);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    stacks.ends?.(h.time.now);
  }
  for (const { conn, error, sawEnd, brokeOff } of parties) {
    if (conn === null) continue;
    count(error ?? (sawEnd ? 'EOF' : brokeOff ? 'aborted' : 'nothing'));
    if (world.opening === 'crossing') count('crossing');
  }
  return judgeUser(world, cut, client) ?? judgeUser(world, cut, server) ?? judgeStacks(h);
}

function open(world: World, h: Hosts, client: Party, server: Party): void {
  const [a, b] = world.version === 4 ? [A4, B4] : [A6, B6];
  const connect = (party: Party, to: Party, user: TcpUser): void => {
    const [stack, remote] = party === client ? [h.a, b] : [h.b, a];
    const localPort = PORTS[party.who];
    party.conn = stack.connect({ remote, remotePort: PORTS[to.who], localPort, user }, h.time.now);
  };
  if (world.opening === 'passive') {
    const tcpAccept = server.accept.bind(server);
    h.b.listen({ port: PORTS[1], user: { tcpAccept } });
  }
  connect(client, server, client);
  if (world.opening === 'crossing') connect(server, client, server);
  h.a.run(h.time.now);
  h.b.run(h.time.now);
}

/**
 * Both sides read all data and close their direction. A side that still waits for a vanished peer
 * then aborts the connection.
 */
function finish(h: Hosts, parties: readonly [Party, Party]): void {
  for (const party of parties) {
    party.reading = true; // also a party that has no connection yet
    party.do({ call: 'cork', on: false });
    party.do({ call: 'reading', on: true });
  }
  const [client, server] = parties;
  const isOpen = (p: Party): boolean => p.conn !== null && !p.conn.isOpening;
  h.time.runUntil(() => client.closed || client.gone || (isOpen(client) && isOpen(server)), HOUR);
  for (const party of parties) party.do({ call: 'shutdown' });
  h.settle();
  for (const party of parties) if (!party.closed) party.do({ call: 'close' });
  h.settle();
}

function judgeUser(world: World, cut: boolean, party: Party): string | null {
  const { conn, other, error } = party;
  const name = party.who === 0 ? 'the client' : 'the server';
  // A world where connections may give up, and a network failure that was long enough for it.
  const excused =
    world.mortal && (cut || world.link.loss > 0 || world.link.corrupt > 0 || party.sawDark);
  const halfOpenGaveUp = excused && (conn === null || other.conn === null);
  const timedOut = halfOpenGaveUp || [error, other.error].includes('ETIMEDOUT');
  if (conn === null) {
    if (world.opening === 'refused' || other.brokeOff || other.error !== null || excused)
      return null;
    return `${name} never had a connection`;
  }
  if (conn.state !== State.closed && conn.state !== State.timeWait)
    return `${name} ends in ${conn.stateName}`;
  if (!party.closed && !party.gone) return `${name} was not told of the end`;
  if (!party.gone && !party.sawEnd && error === null) return `${name} got neither EOF nor an error`;
  switch (error) {
    case null:
      break;
    case 'ETIMEDOUT':
      if (!excused) return `${name} timed out, and the network never failed for long`;
      break;
    case 'ECONNREFUSED':
      if (party.established) return `${name} was refused after it was connected`;
      if (world.opening !== 'refused' && !other.brokeOff && !timedOut)
        return `${name} was refused without a cause`;
      break;
    case 'EPIPE':
    case 'ECONNRESET':
      if (!party.established) return `${name} has ${error} and was never connected`;
      if ((error === 'EPIPE') !== party.sawEnd)
        return `${name} has ${error}, EOF ${party.sawEnd ? 'came' : 'did not come'}`;
      if (!other.brokeOff && !timedOut) return `${name} has ${error} without a cause`;
      break;
    default:
      return `${name} has ${error}`;
  }
  const whole = !party.brokeOff && !other.brokeOff && !timedOut && world.opening !== 'refused';
  // If a side gave up without an event because its user was gone, the other side may fail too.
  if (whole && !excused && party.read !== other.written)
    return `${name} read ${party.read} of ${other.written} bytes`;
  if (party.sawEnd && error === null && !party.brokeOff && party.read !== other.written)
    return `${name} saw EOF, and read ${party.read} of ${other.written} bytes`;
  return null;
}

function judgeStacks(h: Hosts): string | null {
  for (const [who, stack] of Object.entries({ client: h.a, server: h.b })) {
    const { tcp } = stack;
    const { env, halfOpen } = tcp['connections'];
    if (tcp.connectionCount + tcp.timeWait.size > 0)
      return `the ${who}'s stack still has a connection`;
    if (halfOpen.size + halfOpen.hosts.size > 0)
      return `the ${who}'s stack still has a half-open connection`;
    if (env.pool.lent + env.memory.allocated + env.memory.holders > 0)
      return `the ${who}'s stack did not release all memory`;
    if (stack.counters.TcpCurrEstab !== 0)
      return `the ${who}'s stack counts ${stack.counters.TcpCurrEstab} connections`;
  }
  if (h.time.nextTimeout() !== Infinity) return `a timer is left, for ${h.time.nextTimeout()} us`;
  return null;
}
