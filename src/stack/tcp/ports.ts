/**
 * Ephemeral ports, RFC 6056 algorithm 4 (double-hash) with random increments, as in Linux. The
 * search starts at an offset from a keyed hash of the destination, plus one of many counters, which
 * is selected by another part of the hash. So the ports to one destination rise and are not reused
 * soon, and an observer of them learns neither the ports to other destinations nor the number of
 * connections.
 */
import type { Random } from '../../base/random.js';

/** Linux's net.ipv4.ip_local_port_range. */
export const FIRST_EPHEMERAL = 32_768;
export const LAST_EPHEMERAL = 60_999;
const COUNT = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;

/** A power of two. */
const COUNTERS = 4096;
/** A counter advances by a random 1 to 8 beyond the port that was picked. */
const MOST_STEPS = 8;

export class EphemeralPorts {
  private readonly counters = new Uint16Array(COUNTERS);
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /**
   * Returns a port for which `isFree` is true, or 0 if none is free. `offset` and `counter` are the
   * two halves of the destination's keyed hash.
   */
  pick(offset: number, counter: number, isFree: (port: number) => boolean): number {
    const slot = counter & (COUNTERS - 1);
    const start = (offset >>> 0) + this.counters[slot]!;
    for (let i = 0; i < COUNT; i++) {
      const port = FIRST_EPHEMERAL + ((start + i) % COUNT);
      if (!isFree(port)) continue;
      this.counters[slot] =
        (this.counters[slot]! + i + 1 + ((this.random.int32() >>> 0) % MOST_STEPS)) % COUNT;
      return port;
    }
    return 0;
  }
}
