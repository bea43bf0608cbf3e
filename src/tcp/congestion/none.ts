/**
 * No congestion control: for labs that show what it is there for. Only the peer's window limits the
 * sender.
 */
import type { CongestionControl } from './control.js';

export class NoCongestionControl implements CongestionControl {
  readonly name = 'none';
  readonly modelBased = true;
  readonly pacingRate = Infinity;
  ssthresh = Infinity;
  get cwnd(): number {
    return Infinity;
  }
  set cwnd(_: number) {
    // a timeout does not close it either
  }

  start(): void {}
  onAck(): void {}
  onCongestion(): void {}
  onUndo(): void {}
  onRecovered(): void {}
  onSendAfterIdle(): void {}
}
