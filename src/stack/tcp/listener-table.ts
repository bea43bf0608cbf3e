/**
 * Listeners by port and address. A listener has one address, all addresses of a family, or all (RFC
 * 9293 section 3.9.1.1).
 */
import { StackError } from '../../base/errors.js';
import type { Address } from '../../ip/address.js';
import type { Tuple } from '../tuple.js';
import type { Listener } from './listener.js';

export class ListenerTable {
  private readonly byPort = new Map<number, Listener[]>();

  has(port: number): boolean {
    return this.byPort.has(port);
  }

  /**
   * Throws StackError EADDRINUSE if a listener on `port` has this address or one that overlaps it.
   */
  checkFree(address: Address | null, port: number): void {
    const taken = this.byPort.get(port)?.some((l) => l.overlaps(address)) === true;
    if (taken) throw new StackError('EADDRINUSE', `another listener has port ${port}`);
  }

  /** Throws StackError EADDRINUSE. */
  add(listener: Listener): void {
    this.checkFree(listener.address, listener.port);
    this.byPort.set(listener.port, [...(this.byPort.get(listener.port) ?? []), listener]);
  }

  remove(listener: Listener): void {
    const rest = (this.byPort.get(listener.port) ?? []).filter((l) => l !== listener);
    if (rest.length > 0) this.byPort.set(listener.port, rest);
    else this.byPort.delete(listener.port);
  }

  /** Finds the most specific listener: exact address, then address family, then all addresses. */
  find({ localPort, local }: Tuple): Listener | null {
    const list = this.byPort.get(localPort);
    if (list === undefined) return null;
    let any: Listener | null = null;
    for (const l of list) {
      if (!l.covers(local)) continue;
      if (l.address !== null && !l.address.isUnspecified) return l;
      if (any === null || l.address !== null) any = l;
    }
    return any;
  }

  all(): Listener[] {
    return [...this.byPort.values()].flat();
  }
}
