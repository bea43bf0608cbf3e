/**
 * No congestion control, for labs that show why it is needed. Only the peer's window limits the
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
    // not even a timeout reduces it
  }

  start(): void {}
  onAck(): void {}
  onCongestion(): void {}
  onUndo(): void {}
  onRecovered(): void {}
  onSendAfterIdle(): void {}
}
