/**
 * The half-open connections of a whole stack (SYN-RECEIVED, from a listener): how many, and how
 * many of each host.
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

  /** It was established, or is over. Twice is harmless. */
  leave(e: TcpEntry): void {
    if (!e.halfOpen) return;
    e.halfOpen = false;
    this.size--;
    this.hosts.remove(e.remote);
  }
}
