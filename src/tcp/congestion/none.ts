/** No congestion control: for labs that show what it is there for. Only the peer's window limits the sender. */
import type { CongestionControl } from './control.js';

export class NoCongestionControl implements CongestionControl {
  readonly name = 'none';
  cwnd = Infinity;
  ssthresh = Infinity;

  start(): void {}
  onAck(): void {}
  onLoss(): void {}
  onTimeout(): void {}
  onIdle(): void {}
}
