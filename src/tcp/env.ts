/** What all connections of one stack share. */
import type { SlabPool } from '../base/slab-pool.js';
import type { DropReason } from '../wire/drop.js';
import type { AckNews } from './recovery/ack-news.js';
import type { ChallengeLimiter } from './challenge.js';
import type { AckSample } from './congestion/ack-sample.js';
import type { TcpConfig } from './config.js';
import type { TcpCounters } from './counters.js';
import type { TcpMemory } from './memory.js';
import type { TcpObserver } from './observer.js';
import type { Allocate } from './receive/receive-queue.js';
import type { SentSegmentPool } from './send/sent-queue.js';

export interface TcpEnv {
  readonly config: TcpConfig;
  readonly counters: TcpCounters;
  readonly challenges: ChallengeLimiter;
  readonly memory: TcpMemory;
  readonly pool: SlabPool;
  /** Of what is in flight, records that nobody uses now. */
  readonly records: SentSegmentPool;
  /** What the ACK that is handled now brought: of no connection for longer than that. */
  readonly news: AckNews;
  readonly sample: AckSample;
  readonly allocate: Allocate;
  /** Every drop is counted under its name, watched or not. */
  readonly countDrop: (reason: DropReason) => void;
  /** Null when nobody watches. */
  observer: TcpObserver | null;
}
