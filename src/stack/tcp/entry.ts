/** What the stack keeps for a connection beside its control block. */
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
 * A flow with its connection: an entry of the demux table, with its positions in the chain, the
 * timer heap and the list of connections with work to do.
 */
export class TcpEntry extends Flow {
  conn!: Connection;
  readonly hash: number;
  /** Pseudo-header sum without the length; constant for the connection. */
  readonly pseudoSum: number;
  readonly device: Device;
  listener: Listener | null = null;
  /** The Fast Open queue that counts this connection until its handshake is complete. */
  fastOpen: FastOpenQueue | null = null;
  /**
   * The TIME-WAIT record that this connection replaced. It is restored unless the connection is
   * established (`resumesTimeWait`).
   */
  before: TimeWaitRecord | null = null;
  /** True while it counts as half-open (half-open.ts). */
  halfOpen = false;
  nextInChain: TcpEntry | null = null;
  /**
   * Position and deadline in the timer heap. The deadline is never later than the connection's own,
   * but may be earlier.
   */
  heapIndex = -1;
  deadline: Micros = NEVER;
  /** True if it is in the list of connections with work to do. */
  dirty = false;
  /** True while it is in the demux table; a closed connection leaves it. */
  linked = false;
  /** IPv4: packets are sent with DF. */
  dontFragment = true;
  /** When the known path MTU expires. */
  pathExpires: Micros = NEVER;
  /**
   * IP identification of the next packet: it counts the connection's packets. (RFC 6864 requires
   * more only at rates above 65,536 packets in ten minutes.)
   */
  ipId = 0;
  /** MUST-49: time to live; initially the configured one. */
  ttl = IPDEFTTL;
  /** MUST-48: traffic class byte of sent packets, without the two ECN bits, which TCP sets. */
  tos = 0;
  /** MAY-9: the traffic class byte of the last received segment, including ECN. */
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

/** The stack's entry of `conn`. Throws TypeError if the connection was not opened by a stack. */
export function entryOf({ flow }: Connection): TcpEntry {
  if (flow instanceof TcpEntry) return flow;
  throw new TypeError('this connection was not opened by a stack');
}

/** Addresses and ports of `conn`. Throws TypeError if the connection was not opened by a stack. */
export const flowOf = (conn: Connection): Flow => entryOf(conn);
