/** From connections to packets: what tcp/ hands over gets the addresses that tcp/ does not know. */
import type { Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import { pseudoHeaderSum } from '../../wire/checksum.js';
import { PROTOCOL_TCP, type IpHeader } from '../../wire/ip.js';
import { Segment } from '../../wire/tcp.js';
import type { Connection } from '../../tcp/connection.js';
import type { SegmentSink } from '../../tcp/output.js';
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
    const { local, remote } = e;
    path.device = e.device;
    path.pseudoSum = e.pseudoSum;
    ip.version = local.version;
    ip.s0 = local.w0;
    ip.s1 = local.w1;
    ip.s2 = local.w2;
    ip.s3 = local.w3;
    ip.d0 = remote.w0;
    ip.d1 = remote.w1;
    ip.d2 = remote.w2;
    ip.d3 = remote.w3;
    ip.ttl = e.ttl;
    ip.tos = e.tos | seg.ecn;
    ip.dontFragment = e.dontFragment;
    ip.id = e.ipId;
    e.ipId = (e.ipId + seg.wireSegments) & 0xffff;
    sendSegment(path, seg, this.now);
  }

  /** Answers the packet that `ip` heads with `this.segment`, from no connection: addresses turned round. */
  sendStray(device: Device, ip: IpHeader, tos: number, ttl: number): void {
    const { path } = this;
    const out = path.ip;
    path.device = device;
    path.pseudoSum = pseudoHeaderSum(ip.d0, ip.d1, ip.d2, ip.d3, ip.s0, ip.s1, ip.s2, ip.s3, PROTOCOL_TCP);
    out.answer(ip);
    out.ttl = ttl;
    out.tos = tos;
    out.dontFragment = true;
    out.id = 0;
    sendSegment(path, this.segment, this.now);
  }
}
