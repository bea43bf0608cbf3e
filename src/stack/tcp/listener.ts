/** A listening port: who may come in, and who waits to be accepted. */
import type { Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import { addressVersion, type AddressWords } from '../../wire/ip.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection } from '../../tcp/connection.js';
import { ListenQueue } from './listen.js';
import { ReceiveWindow } from '../../tcp/receive/receive-window.js';
import type { FastOpenQueue } from './fast-open-queue.js';

export interface ListenUser {
  /**
   * A connection is established. True takes it; false leaves it in the accept queue, from where
   * `Listener.accept()` has it.
   */
  tcpAccept(conn: Connection): boolean;
}

/** listen(2)'s backlog when none is given: Node's. */
export const DEFAULT_BACKLOG = 511;

/**
 * With what SYN cookies are made and checked: options, and the window shift that their SYN,ACKs
 * announce.
 */
export interface CookieSettings {
  readonly config: TcpConfig;
  readonly window: ReceiveWindow;
}

export class Listener {
  /**
   * Null listens on every address of the stack, an unspecified one on every address of its family.
   */
  readonly address: Address | null;
  readonly port: number;
  readonly user: ListenUser;
  readonly queue: ListenQueue;
  /** SYN cookies were sent not long ago: until then one may come back. */
  cookieUntil: Micros = 0;
  /**
   * What those cookies promised: held until then, although the listener's settings may have
   * changed.
   */
  cookies: CookieSettings | null = null;
  /** The user was told of a flood. */
  floodWarned = false;
  /** The traffic class byte of its connections, as `TcpEntry.tos`. */
  tos = 0;
  /** Null: no Fast Open here. */
  fastOpen: FastOpenQueue | null = null;
  /** Its own settings, and the window that its SYN,ACKs offer; null: the stack's. */
  config: TcpConfig | null = null;
  window: ReceiveWindow | null = null;
  private readonly onClose: (listener: Listener, now: Micros) => void;

  constructor(
    address: Address | null,
    port: number,
    backlog: number,
    user: ListenUser,
    onClose: (listener: Listener, now: Micros) => void,
  ) {
    this.address = address;
    this.port = port;
    this.user = user;
    this.queue = new ListenQueue(backlog);
    this.onClose = onClose;
  }

  /** Does it listen on this address? */
  covers(local: AddressWords): boolean {
    const { address } = this;
    if (address === null || address.equals(local)) return true;
    return address.isUnspecified && address.version === addressVersion(local);
  }

  /** May both listen on one port? Not where their addresses overlap (EADDRINUSE). */
  overlaps(other: Address | null): boolean {
    const { address } = this;
    if (address === null || other === null || address.equals(other)) return true;
    return address.version === other.version && (address.isUnspecified || other.isUnspecified);
  }

  setConfig(config: TcpConfig): void {
    this.config = config;
    this.window = new ReceiveWindow(config);
  }

  /** The oldest connection that was left waiting. */
  accept(): Connection | undefined {
    return this.queue.accept();
  }

  /** Nobody new comes in, and whoever waits unaccepted is reset, as in Linux. */
  close(now: Micros): void {
    this.onClose(this, now);
  }
}
