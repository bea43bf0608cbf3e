/** Who listens where: by port, and on one address or on all (RFC 9293 section 3.9.1.1). */
import { StackError } from '../base/errors.js';
import type { Listener } from './listener.js';

export class ListenerTable {
  private readonly byPort = new Map<number, Listener[]>();

  has(port: number): boolean {
    return this.byPort.has(port);
  }

  /** Throws StackError EADDRINUSE when the port is taken for the same address or for all. */
  add(listener: Listener): void {
    const others = this.byPort.get(listener.port) ?? [];
    const { address } = listener;
    const clash = others.some((l) => l.address === null || address === null || l.address.equals(address));
    if (clash) throw new StackError('EADDRINUSE', `another listener has port ${listener.port}`);
    this.byPort.set(listener.port, [...others, listener]);
  }

  remove(listener: Listener): void {
    const rest = (this.byPort.get(listener.port) ?? []).filter((l) => l !== listener);
    if (rest.length > 0) this.byPort.set(listener.port, rest);
    else this.byPort.delete(listener.port);
  }

  /** One for the very address before one for all. */
  find(port: number, d0: number, d1: number, d2: number, d3: number): Listener | null {
    const list = this.byPort.get(port);
    if (list === undefined) return null;
    let any: Listener | null = null;
    for (const l of list) {
      if (l.address === null) any = l;
      else if (l.address.is(d0, d1, d2, d3)) return l;
    }
    return any;
  }

  all(): Listener[] {
    return [...this.byPort.values()].flat();
  }
}
