/** The parts of an explanation, as `--json` prints them. */
import type { Limit } from '../conversation.js';
import type { MarkName } from '../marks.js';
import type { Suspicion } from './suspicions.js';

export interface Answer {
  readonly question: string;
  readonly answer: string;
}

export interface LimitShare {
  readonly limit: Limit;
  /** Whose sending was limited. */
  readonly sender: 'client' | 'server';
  readonly seconds: number;
  readonly share: number;
  readonly text: string;
}

export interface Anomaly {
  readonly mark: MarkName;
  /** Wireshark's display filter for it, and its words. */
  readonly field: string;
  readonly title: string;
  readonly from: 'client' | 'server';
  readonly count: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly meaning: string;
  readonly section: string;
}

export interface Explanation {
  readonly stream: number;
  readonly client: string;
  readonly server: string;
  readonly frames: readonly [first: number, last: number];
  readonly packets: number;
  readonly seconds: number;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  readonly summary: string;
  /** What an SRE asks first. */
  readonly answers: readonly Answer[];
  readonly handshake: readonly string[];
  readonly limits: readonly LimitShare[];
  readonly suspicions: readonly Suspicion[];
  readonly anomalies: readonly Anomaly[];
  readonly ending: readonly string[];
  readonly states: { readonly client: string; readonly server: string };
  readonly next: readonly string[];
}
