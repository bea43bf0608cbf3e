/** The half-open connections of a whole stack (SYN-RECEIVED, from a listener): how many, and how many of each host. */
import type { TcpEntry } from './flow.js';
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
    const { remote } = e;
    this.hosts.add(remote.w0, remote.w1, remote.w2, remote.w3);
  }

  /** It was established, or is over. Twice is harmless. */
  leave(e: TcpEntry): void {
    if (!e.halfOpen) return;
    e.halfOpen = false;
    this.size--;
    const { remote } = e;
    this.hosts.remove(remote.w0, remote.w1, remote.w2, remote.w3);
  }
}
