/** UDP's ports: who has which, and who gets a datagram (RFC 768, RFC 1122 section 4.1). */
import { StackError } from '../../base/errors.js';
import { type AddressWords, isSameAddress } from '../../wire/ip.js';

export interface UdpBinding {
  /** The one address it receives at; null: at every address of the stack. */
  readonly address: AddressWords | null;
  readonly port: number;
}

export class UdpTable<T extends UdpBinding> {
  private readonly byPort = new Map<number, T[]>();

  /** Ports that somebody has. */
  get size(): number {
    return this.byPort.size;
  }

  /** Throws StackError EADDRINUSE when the port is taken for the same address or for all. */
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

  /** Twice is harmless. */
  unbind(socket: T): void {
    const rest = (this.byPort.get(socket.port) ?? []).filter((o) => o !== socket);
    if (rest.length > 0) this.byPort.set(socket.port, rest);
    else this.byPort.delete(socket.port);
  }

  has(port: number): boolean {
    return this.byPort.has(port);
  }

  /**
   * Who gets a datagram to this address and port: a port is one socket's for all addresses, or each
   * address has its own.
   */
  lookup(to: AddressWords, port: number): T | undefined {
    const sockets = this.byPort.get(port);
    if (sockets === undefined) return undefined;
    for (const s of sockets) if (s.address === null || isSameAddress(s.address, to)) return s;
    return undefined;
  }
}
