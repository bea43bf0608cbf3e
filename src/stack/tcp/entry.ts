/** What the stack keeps for a connection beside its control block: the demux's entry. */
import { IPDEFTTL } from '../../base/ip-default-ttl.js';
import { NEVER, type Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import type { Address } from '../../ip/address.js';
import type { Connection } from '../../tcp/connection.js';
import type { TimeWaitRecord } from '../../tcp/time-wait.js';
import { Flow } from '../flow.js';
import type { FastOpenQueue } from './fast-open-queue.js';
import type { Listener } from './listener.js';

/**
 * A flow that has a connection: the demux's entry, with its place in the chain, the timer heap and
 * the list of what wants output.
 */
export class TcpEntry extends Flow {
  conn!: Connection;
  readonly hash: number;
  /** Pseudo-header sum without the length: the same for the connection's life. */
  readonly pseudoSum: number;
  readonly device: Device;
  listener: Listener | null = null;
  /** Open by Fast Open, its handshake not over: who counts it. */
  fastOpen: FastOpenQueue | null = null;
  /**
   * What the four-tuple was in TIME-WAIT with, and will be again unless this connection is
   * established (`resumesTimeWait`).
   */
  before: TimeWaitRecord | null = null;
  /** Counts as half-open (half-open.ts). */
  halfOpen = false;
  nextInChain: TcpEntry | null = null;
  /**
   * In the timer heap: where, and under which deadline. Never later than the connection's own,
   * perhaps earlier.
   */
  heapIndex = -1;
  deadline: Micros = NEVER;
  /** Waits for its turn to send and to tell its user. */
  dirty = false;
  /** In the demux: a connection that is over leaves it. */
  linked = false;
  /** IPv4: DF is set in what we send. */
  dontFragment = true;
  /** When what is known of the path's MTU will be forgotten. */
  pathExpires: Micros = NEVER;
  /**
   * IP identification of the next packet: it counts the connection's packets (RFC 6864 asks for
   * more only at rates where ten minutes are 65,536 of them).
   */
  ipId = 0;
  /** MUST-49: time to live. The configured one at first. */
  ttl = IPDEFTTL;
  /**
   * MUST-48: the traffic class byte of what we send, ECN's two bits left out: those are TCP's own.
   */
  tos = 0;
  /** MAY-9: that byte of the last segment that came, ECN and all. */
  receivedTos = 0;

  constructor(
    local: Address,
    localPort: number,
    remote: Address,
    remotePort: number,
    hash: number,
    pseudoSum: number,
    device: Device,
  ) {
    super(local, localPort, remote, remotePort);
    this.hash = hash;
    this.pseudoSum = pseudoSum;
    this.device = device;
  }
}

/** Where the stack has `conn`. Throws TypeError for a connection that no stack opened. */
export function entryOf({ flow }: Connection): TcpEntry {
  if (flow instanceof TcpEntry) return flow;
  throw new TypeError('this connection is not of a stack');
}

/** The addresses and ports of `conn`. Throws TypeError for a connection that no stack opened. */
export const flowOf = (conn: Connection): Flow => entryOf(conn);
