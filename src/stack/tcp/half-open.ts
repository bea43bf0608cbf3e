/**
 * Counts the half-open connections (SYN-RECEIVED, from a listener) of the stack and of each remote
 * host.
 */
import type { TcpEntry } from './entry.js';
import { HostCounts } from './host-counts.js';

export class HalfOpen {
  size = 0;
  readonly hosts: HostCounts;

  constructor(secret: Uint8Array) {
    this.hosts = new HostCounts(secret);
  }

  add(e: TcpEntry): void {
    e.halfOpen = true;
    this.size++;
    this.hosts.add(e.remote);
  }

  /** The connection was established or has ended. A second call does nothing. */
  leave(e: TcpEntry): void {
    if (!e.halfOpen) return;
    e.halfOpen = false;
    this.size--;
    this.hosts.remove(e.remote);
  }
}
