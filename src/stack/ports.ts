/**
 * Ephemeral ports, RFC 6056 algorithm 3 (double-hash's simpler sibling): the search starts at an offset that a keyed hash gives for the
 * destination, so that ports to one place rise one by one and reveal nothing about those to another.
 */

/** Linux's net.ipv4.ip_local_port_range. */
export const FIRST_EPHEMERAL = 32_768;
export const LAST_EPHEMERAL = 60_999;

export class EphemeralPorts {
  private next = 0;

  /** A port for which `isFree` says so, or 0 when all are taken. `offset` is the destination's keyed hash. */
  pick(offset: number, isFree: (port: number) => boolean): number {
    const count = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
    for (let i = 0; i < count; i++) {
      const port = FIRST_EPHEMERAL + (((offset >>> 0) + this.next) % count);
      this.next = (this.next + 1) % count;
      if (isFree(port)) return port;
    }
    return 0;
  }
}
