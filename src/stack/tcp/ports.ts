/**
 * Ephemeral ports, RFC 6056 algorithm 4 (double-hash) with random steps, as in Linux: the search
 * starts at an offset that a keyed hash gives for the destination, and moves on by one of many
 * counters, which another part of that hash chooses. So the ports to one place rise without soon
 * coming back, and whoever sees them learns neither those to another place nor how many connections
 * we open.
 */
import type { Random } from '../../base/random.js';

/** Linux's net.ipv4.ip_local_port_range. */
export const FIRST_EPHEMERAL = 32_768;
export const LAST_EPHEMERAL = 60_999;
const COUNT = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;

/** A power of two. */
const COUNTERS = 4096;
/** A counter moves on by 1 to so many beyond the port that was picked. */
const MOST_STEPS = 8;

export class EphemeralPorts {
  private readonly counters = new Uint16Array(COUNTERS);
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /**
   * A port for which `isFree` says so, or 0 when all are taken. `offset` and `counter` are two
   * halves of the destination's keyed hash.
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
