/** UDP sockets by port and address (RFC 768, RFC 1122 section 4.1). */
import { StackError } from '../../base/errors.js';
import { type AddressWords, isSameAddress } from '../../wire/ip.js';

export interface UdpBinding {
  /** The only address at which it receives; null for all addresses of the stack. */
  readonly address: AddressWords | null;
  readonly port: number;
}

export class UdpTable<T extends UdpBinding> {
  private readonly byPort = new Map<number, T[]>();

  /** Number of ports in use. */
  get size(): number {
    return this.byPort.size;
  }

  /** Throws StackError EADDRINUSE if the port is in use for the same address or for all. */
  bind(socket: T): void {
    const others = this.byPort.get(socket.port) ?? [];
    const { address } = socket;
    for (const { address: taken } of others) {
      if (address === null || taken === null || isSameAddress(taken, address)) {
        throw new StackError('EADDRINUSE', `another socket has UDP port ${socket.port}`);
      }
    }
    this.byPort.set(socket.port, [...others, socket]);
  }

  /** A second call does nothing. */
  unbind(socket: T): void {
    const rest = (this.byPort.get(socket.port) ?? []).filter((o) => o !== socket);
    if (rest.length > 0) this.byPort.set(socket.port, rest);
    else this.byPort.delete(socket.port);
  }

  has(port: number): boolean {
    return this.byPort.has(port);
  }

  /**
   * The socket for a datagram to this address and port. A port has either one socket for all
   * addresses, or at most one for each.
   */
  lookup(to: AddressWords, port: number): T | undefined {
    const sockets = this.byPort.get(port);
    if (sockets === undefined) return undefined;
    for (const s of sockets) if (s.address === null || isSameAddress(s.address, to)) return s;
    return undefined;
  }
}
