/**
 * No congestion control: for labs that show what it is there for. Only the peer's window limits the
 * sender.
 */
import type { Segments } from '../../base/units.js';
import type { CongestionControl } from './control.js';

export class NoCongestionControl implements CongestionControl {
  readonly name = 'none';
  readonly modelBased = true;
  readonly pacingRate = Infinity;
  ssthresh: Segments = Infinity;
  get cwnd(): Segments {
    return Infinity;
  }
  set cwnd(_: Segments) {
    // a timeout does not close it either
  }

  start(): void {}
  onAck(): void {}
  onCongestion(): void {}
  onUndo(): void {}
  onRecovered(): void {}
  onSendAfterIdle(): void {}
}
