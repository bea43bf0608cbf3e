/** UDP's ports: who has which (RFC 768, RFC 1122 section 4.1). */
import { StackError } from '../base/errors.js';

/** A binding: addresses are the stack's, so a key stands for them here, '' for every address. */
export interface UdpBinding {
  readonly addressKey: string;
  readonly port: number;
}

export class UdpTable<T extends UdpBinding> {
  private readonly byPort = new Map<number, T[]>();

  get size(): number {
    return this.byPort.size;
  }

  /** Throws StackError EADDRINUSE when the port is taken for the same address or for all. */
  bind(socket: T): void {
    const others = this.byPort.get(socket.port) ?? [];
    const clash = others.some((o) => o.addressKey === '' || socket.addressKey === '' || o.addressKey === socket.addressKey);
    if (clash) throw new StackError('EADDRINUSE', `another socket has UDP port ${socket.port}`);
    this.byPort.set(socket.port, [...others, socket]);
  }

  unbind(socket: T): void {
    const rest = (this.byPort.get(socket.port) ?? []).filter((o) => o !== socket);
    if (rest.length > 0) this.byPort.set(socket.port, rest);
    else this.byPort.delete(socket.port);
  }

  has(port: number): boolean {
    return this.byPort.has(port);
  }

  /** Sockets on this port; the stack picks by address. */
  at(port: number): readonly T[] | undefined {
    return this.byPort.get(port);
  }
}
