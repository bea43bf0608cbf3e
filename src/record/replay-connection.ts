/**
 * The connections of a replayed stack. They have the numbers of the recorded ones, and lent memory
 * is gone exactly where it was in the recording.
 */
import type { Micros } from '../base/time.js';
import { Connection } from '../tcp/connection.js';
import type { TcbOptions } from '../tcp/tcb.js';
import { failLent } from '../tcp/user-calls.js';
import type { Numbered } from './recorded-user.js';
import { Op } from './records.js';
import type { Transcript } from './transcript.js';

/** The class of the connections of one replayed stack, which are added to `made`. */
export function replayConnectionClass(t: Transcript, made: Connection[]): typeof Connection {
  return class ReplayConnection extends Connection implements Numbered {
    readonly recordNumber: number;

    constructor(o: TcbOptions) {
      super(o);
      this.recordNumber = made.push(this) - 1;
    }

    override failWhatIsDetached(now: Micros): boolean {
      if (!t.asked(Op.detached)) return false;
      failLent(this, now);
      return true;
    }
  };
}
