/**
 * One connection on one device with a minimal IPv4, for tests of the views of a connection.
 */
import { SeededRandom } from '../../src/base/random.js';
import { SlabPool } from '../../src/base/slab-pool.js';
import type { Micros } from '../../src/base/time.js';
import { Gso, type Device } from '../../src/device/device.js';
import { Address } from '../../src/ip/address.js';
import { Flow } from '../../src/stack/flow.js';
import { ChallengeLimiter } from '../../src/tcp/challenge.js';
import { PROFILES, type TcpConfig } from '../../src/tcp/config.js';
import { Connection } from '../../src/tcp/connection.js';
import { TcpMemory } from '../../src/tcp/memory.js';
import { AckNews } from '../../src/tcp/recovery/ack-news.js';
import { AckSample } from '../../src/tcp/congestion/ack-sample.js';
import { TcpCounters } from '../../src/tcp/counters.js';
import { SentSegmentPool } from '../../src/tcp/send/sent-queue.js';
import type { TcpObserver } from '../../src/tcp/observer.js';
import { State } from '../../src/tcp/state.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { parseTcp, Segment, TcpFlag, writeTcp } from '../../src/wire/tcp.js';
import { naiveSum, send } from '../device/packets.js';
import type { Drivable } from '../sim/virtual.js';

export interface MiniHostOptions {
  iss: number;
  config?: Partial<TcpConfig>;
  observer?: TcpObserver | null;
  /** Called with the connection after its events were read. */
  user?: (conn: Connection, events: number, now: Micros) => void;
}

export class MiniHost implements Drivable {
  readonly conn: Connection;
  private readonly seg = new Segment();
  private readonly out = new Segment();
  private readonly user: MiniHostOptions['user'];
  private readonly device: Device;
  private now: Micros = 0;

  constructor(device: Device, local: string, remote: string, o: MiniHostOptions) {
    this.device = device;
    this.user = o.user;
    const flow = flowOf(local, remote);
    const config: TcpConfig = {
      ...{ ...PROFILES.linux, receiveBufferBytes: 1 << 20 },
      ...o.config,
    };
    const counters = new TcpCounters();
    this.conn = new Connection({
      flow,
      env: {
        config,
        counters,
        memory: new TcpMemory(config.memory, counters),
        challenges: new ChallengeLimiter(new SeededRandom(1), config.challengeAckLimit),
        pool: new SlabPool(),
        records: new SentSegmentPool(),
        news: new AckNews(),
        sample: new AckSample(),
        allocate: (n) => new Uint8Array(n),
        countDrop: () => undefined,
        observer: o.observer ?? null,
      },
      config,
      iss: o.iss | 0,
      tsOffset: 0,
      mss: device.mtu - 40,
      defaultMss: 536,
      gsoBytes: device.offload.tso4 ? 60_000 : 0,
    });
    device.attach({
      packet: (rx, now) => {
        if (parseTcp(rx.slab, rx.offset + 20, rx.length - 20, this.seg) !== 0)
          throw new Error('unparsable');
        this.seg.gsoSize = rx.gsoSize;
        this.seg.checksumVouched = rx.checksumValid;
        if (this.conn.state === State.closed && this.seg.flags === TcpFlag.SYN) {
          o.observer?.segmentArrived(this.conn, this.seg, now);
          this.conn.openPassive(this.seg, now);
        } else this.conn.onSegment(this.seg, now);
      },
      batchEnd: (now) => this.run(now),
      deviceError: (error) => {
        throw error;
      },
      deviceDrop: () => undefined,
    });
  }

  /** Notifies the user, then sends pending output. */
  run(now: Micros): void {
    this.now = now;
    const events = this.conn.takeEvents();
    if (events !== 0) this.user?.(this.conn, events, now);
    this.conn.pollTransmit(now, { segment: this.out, send: (_c, seg) => this.send(seg) });
    this.device.flush(now);
  }

  /** An IPv4 packet in one piece; the checksum is left to an offloading device. */
  private send(seg: Segment): void {
    const flow = this.conn.flow as Flow;
    const bytes = new Uint8Array(20 + 60 + seg.payloadBytes);
    const headers = 20 + writeTcp(bytes, 20, seg);
    const total = headers + seg.payloadBytes;
    const view = new DataView(bytes.buffer);
    bytes.set([0x45, 0, total >> 8, total & 255, 0, 0, 0x40, 0, 64, 6]);
    view.setInt32(12, flow.local.w3);
    view.setInt32(16, flow.remote.w3);
    view.setUint16(10, ~naiveSum(bytes.slice(0, 20)));
    seg.source?.copyTo(bytes, headers, seg.payloadOffset, seg.payloadBytes);
    const pseudo = naiveSum(bytes.slice(12, 20), 6 + total - 20);
    const partial = this.device.offload.checksum;
    view.setUint16(36, partial ? pseudo : ~naiveSum(bytes.slice(20, total), pseudo));
    send(this.device, bytes.slice(0, total), this.now, (tx) => {
      if (!partial) return;
      tx.checksumPartial = true;
      tx.checksumStart = 20;
      tx.checksumOffset = 16;
      if (seg.gsoSize === 0) return;
      tx.gsoType = Gso.tcp4;
      tx.gsoSize = seg.gsoSize;
      tx.headerBytes = headers;
    });
  }

  nextTimeout(): Micros {
    return this.conn.nextTimeout();
  }

  onTimeout(now: Micros): void {
    this.conn.onTimeout(now);
  }
}

export { TcpEvent };

/** `10.0.0.2:80`, twice. */
export function flowOf(local: string, remote: string): Flow {
  const end = (text: string): [Address, number] => {
    const [address, port] = text.split(':');
    return [Address.parse(address!), Number(port)];
  };
  return new Flow(...end(local), ...end(remote));
}
