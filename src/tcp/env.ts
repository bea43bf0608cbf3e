/** What all connections of one stack share. */
import type { DropReason } from '../wire/drop.js';
import type { ChallengeLimiter } from './challenge.js';
import type { TcpConfig } from './config.js';
import type { TcpMemory } from './memory.js';
import type { TcpObserver } from './observer.js';
import type { Allocate } from './receive/receive-queue.js';
import type { SenderEnv } from './send/sender.js';

export interface TcpEnv extends SenderEnv {
  readonly config: TcpConfig;
  readonly challenges: ChallengeLimiter;
  readonly memory: TcpMemory;
  readonly allocate: Allocate;
  /** Every drop is counted under its name, watched or not. */
  readonly countDrop: (reason: DropReason) => void;
  /** Null when nobody watches. */
  observer: TcpObserver | null;
}
