/** State shared by all connections of a stack. */
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
  /** Counts a drop by its reason, with or without an observer. */
  readonly countDrop: (reason: DropReason) => void;
  /** Null without an observer. */
  observer: TcpObserver | null;
}
