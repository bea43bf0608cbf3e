/**
 * The descriptors of a script, by the script's own numbers: sockets, epoll instances and files.
 */
import type { Micros } from '../../base/time.js';
import type { Address } from '../../ip/address.js';
import type { Stack } from '../../stack/stack.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Call } from './ast.js';
import { Epoll } from './epoll.js';
import { type Files, OpenFile } from './files.js';
import { ScriptSocket } from './socket.js';
import { familyOf } from './socket-address.js';
import { numberOf } from './values.js';
import { Failure } from './verdict.js';

type Descriptor = ScriptSocket | Epoll | OpenFile;

export const DEFAULT_PORT = 8080;
/** Descriptors 0 to 2 are standard input, output and error. */
const FIRST_FREE = 3;

export interface World {
  readonly stack: Stack;
  readonly local: Address;
  /** The address of `connect(fd, ..., ...)`. */
  readonly remote: Address;
  /** The port of `bind(fd, ..., ...)` and `connect(fd, ..., ...)`. */
  readonly bindPort: number;
  readonly connectPort: number;
  /** The sockets are IPv6 sockets, whatever the packets are. */
  readonly isIpv6: boolean;
  readonly files: Files;
  readonly config: () => TcpConfig;
}

export class Sockets {
  readonly world: World;
  now: Micros = 0;
  /** The connection that the script used last, which TCP_INFO describes. */
  last: ScriptSocket | null = null;
  private readonly byFd = new Map<number, Descriptor>();

  constructor(world: World) {
    this.world = world;
  }

  /** The family of a socket without a family in the script. */
  get family(): number {
    return familyOf(this.world.isIpv6 ? 6 : 4);
  }

  *all(): Iterable<ScriptSocket> {
    for (const d of this.byFd.values()) if (d instanceof ScriptSocket) yield d;
  }

  get(fd: number | null): Descriptor | undefined {
    return fd === null ? undefined : this.byFd.get(fd);
  }

  socket(fd: number | null): ScriptSocket | undefined {
    const found = this.get(fd);
    return found instanceof ScriptSocket ? found : undefined;
  }

  epoll(fd: number | null): Epoll | undefined {
    const found = this.get(fd);
    return found instanceof Epoll ? found : undefined;
  }

  file(fd: number | null): OpenFile | undefined {
    const found = this.get(fd);
    return found instanceof OpenFile ? found : undefined;
  }

  /**
   * Adds a descriptor under the number in the script, or, if the script has no valid number, under
   * the next free one. Throws Failure if the number is in use.
   */
  add(call: Call, d: Descriptor): number {
    let fd = numberOf(call.result) ?? -1;
    if (fd < 0) for (fd = FIRST_FREE; this.byFd.has(fd);) fd++;
    else if (this.byFd.has(fd))
      throw new Failure(call.place, `descriptor ${fd} is already open: use another number`);
    this.byFd.set(fd, d);
    return fd;
  }

  remove(fd: number): void {
    const gone = this.byFd.get(fd);
    this.byFd.delete(fd);
    for (const d of this.byFd.values())
      if (d instanceof Epoll && gone instanceof ScriptSocket) d.forget(gone);
  }
}
