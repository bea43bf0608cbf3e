/** From connections to packets: what tcp/ hands over gets the addresses that tcp/ does not know. */
import type { Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import { Segment } from '../../wire/tcp.js';
import type { Connection } from '../../tcp/connection.js';
import type { SegmentSink } from '../../tcp/output.js';
import type { Tuple } from '../tuple.js';
import { EgressPath, sendSegment } from './segment-egress.js';
import type { TcpEntry } from './flow.js';

export class TcpEgress implements SegmentSink {
  readonly segment = new Segment();
  /** The time of the turn that sends. */
  now: Micros = 0;
  /** See `TcpHost.setDropsOutput`. */
  dropsAll = false;
  private readonly path = new EgressPath();

  /** A connection's segment. */
  send(conn: Connection, seg: Segment): void {
    const e = conn.flow as TcpEntry;
    const { path } = this;
    const { ip } = path;
    path.device = e.device;
    path.pseudoSum = e.pseudoSum;
    ip.setAddresses(e.local, e.remote);
    ip.ttl = e.ttl;
    ip.tos = e.tos | seg.ecn;
    ip.dontFragment = e.dontFragment;
    ip.id = e.ipId;
    e.ipId = (e.ipId + seg.wireSegments) & 0xffff;
    sendSegment(path, seg, this.now);
  }

  /** Sends `this.segment` from no connection: the answer to a segment of `tuple`. */
  sendStray(device: Device, tuple: Tuple, tos: number, ttl: number): void {
    const { path } = this;
    const { ip: out } = path;
    path.device = device;
    path.pseudoSum = tuple.pseudoSum;
    out.setAddresses(tuple.local, tuple.remote);
    out.ttl = ttl;
    out.tos = tos;
    out.dontFragment = true;
    out.id = 0;
    sendSegment(path, this.segment, this.now);
  }
}
