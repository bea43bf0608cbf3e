/** A listening port and its queues. */
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
   * Called when a connection is established. Returning true takes the connection. Returning false
   * leaves it in the accept queue for `Listener.accept()`.
   */
  tcpAccept(conn: Connection): boolean;
}

/** The default backlog of listen(2), as in Node. */
export const DEFAULT_BACKLOG = 511;

/**
 * The settings with which SYN cookies are made and checked: options, and the window scale that the
 * SYN,ACKs announce.
 */
export interface CookieSettings {
  readonly config: TcpConfig;
  readonly window: ReceiveWindow;
}

export class Listener {
  /** Null: all addresses of the stack. An unspecified address: all addresses of its family. */
  readonly address: Address | null;
  readonly port: number;
  readonly user: ListenUser;
  readonly queue: ListenQueue;
  /** Until this time an ACK may return a SYN cookie. */
  cookieUntil: Micros = 0;
  /**
   * Settings of the cookies sent. They are kept until `cookieUntil` even if the listener's settings
   * change, because the SYN,ACKs announced them.
   */
  cookies: CookieSettings | null = null;
  /** True once the user was warned of a SYN flood. */
  floodWarned = false;
  /** Traffic class byte of its connections, as `TcpEntry.tos`. */
  tos = 0;
  /** Null without Fast Open. */
  fastOpen: FastOpenQueue | null = null;
  /** The listener's settings, and the window that its SYN,ACKs announce. Null: the stack's. */
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

  /** True if it listens on this address. */
  covers(local: AddressWords): boolean {
    const { address } = this;
    if (address === null || address.equals(local)) return true;
    return address.isUnspecified && address.version === addressVersion(local);
  }

  /** True if both cannot listen on the same port (EADDRINUSE), because their addresses overlap. */
  overlaps(other: Address | null): boolean {
    const { address } = this;
    if (address === null || other === null || address.equals(other)) return true;
    return address.version === other.version && (address.isUnspecified || other.isUnspecified);
  }

  setConfig(config: TcpConfig): void {
    this.config = config;
    this.window = new ReceiveWindow(config);
  }

  /** Removes and returns the oldest connection in the accept queue. */
  accept(): Connection | undefined {
    return this.queue.accept();
  }

  /** Stops listening, and resets the connections that were not accepted, as in Linux. */
  close(now: Micros): void {
    this.onClose(this, now);
  }
}
