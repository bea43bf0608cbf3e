/**
 * How large a segment may be: the effective send MSS from the path MTU and the peer's MSS (MUST-16,
 * RFC 6691).
 *
 *     MTU │ IP header │ TCP header │ options │ payload: snd.mss │
 *
 * The MTU is the device's, reduced by ICMP errors (path-mtu.ts). With probing (mtu-probe.ts) a
 * search range bounds it too; packets of its lower end are known to arrive. This file holds the
 * values and what follows from them. Those two files change them.
 */
import { type MtuDiscover } from '../../base/mtu-discover.js';
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import { TCP_HEADER_BYTES } from '../../wire/tcp.js';
import { TCP_MIN_SND_MSS, TCP_MSS_DEFAULT } from '../linux-constants.js';

export class SegmentSize {
  discover: MtuDiscover;
  /** The largest packet for this path, as far as is known: Linux's icsk_pmtu_cookie. */
  mtu: Bytes;
  /**
   * The smaller of the peer's MSS and ours, options included, in bytes. 0 before the peer's SYN.
   */
  mostMss: Bytes = 0;
  /** Options of every segment. */
  optionBytes: Bytes = 0;
  /** Probing is on: only probes are larger than `low`. */
  probing = false;
  /** The search range, as MTUs: `low` arrives, nothing above `high` does. */
  low: Bytes = 0;
  high: Bytes = 0;
  /** The probe under way, as an MTU (0: none), and its sequence numbers. */
  probeSize: Bytes = 0;
  probeStart: Seq = 0;
  probeEnd: Seq = 0;
  /** When the search began. */
  probedAt: Micros = 0;
  /** IP and TCP headers. */
  private readonly headerBytes: Bytes;

  constructor(ipHeaderBytes: Bytes, mtu: Bytes, discover: MtuDiscover) {
    this.headerBytes = ipHeaderBytes + TCP_HEADER_BYTES;
    this.mtu = mtu;
    this.discover = discover;
  }

  /** Payload bytes of a full segment in packets of `mtu` bytes. */
  mssOf(mtu: Bytes): Bytes {
    return (
      Math.max(Math.min(mtu - this.headerBytes, this.mostMss), TCP_MIN_SND_MSS) - this.optionBytes
    );
  }

  /** The size of a packet, from its payload. */
  mtuOf(mss: Bytes): Bytes {
    return mss + this.optionBytes + this.headerBytes;
  }

  /** The largest packet that both ends accept, whatever the path carries. */
  get mostMtu(): Bytes {
    return this.mostMss + this.headerBytes;
  }

  /** The effective send MSS. `maxWnd`: the largest window that the peer ever offered. */
  mss(maxWnd: Bytes): number {
    const most = this.fractionOf(maxWnd, this.mssOf(this.mtu));
    return this.probing ? Math.min(most, this.mssOf(this.low)) : most;
  }

  /**
   * As Linux (tcp_bound_to_half_wnd): two segments at least fit into the window, so that one is
   * acknowledged while the other is on its way. RFC 9293 section 3.8.6.2.1 lets half of the largest
   * window go out, too. In a window that is tiny, segments are as large as it is.
   */
  private fractionOf(maxWnd: Bytes, mss: Bytes): Bytes {
    const most = maxWnd > TCP_MSS_DEFAULT ? maxWnd >> 1 : maxWnd;
    return most === 0 || mss <= most ? mss : Math.max(most, TCP_MIN_SND_MSS - this.optionBytes);
  }
}
