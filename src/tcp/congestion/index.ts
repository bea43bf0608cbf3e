/** The congestion controls by name: tcp_congestion_control, TCP_CONGESTION. */
import { SeededRandom } from '../../base/random.js';
import { Bbr } from './bbr.js';
import type { CongestionControl } from './control.js';
import { Cubic } from './cubic.js';
import { HystartPlusPlus } from './hystart-plus-plus.js';
import { Hystart, HystartSign } from './hystart.js';
import { NoCongestionControl } from './none.js';
import { Reno } from './reno.js';
import { UntilLoss, type SlowStartExit } from './slow-start-exit.js';

/** One line about each control, for `--help`. Error messages list the names. */
export const CONGESTION_CONTROLS = {
  cubic: 'CUBIC, RFC 9438, with HyStart: what Linux, macOS and Windows use',
  reno: 'Reno, RFC 5681: one segment a round trip, a half on loss',
  bbr: 'BBR version 1: sends at the measured bandwidth, whatever is lost, with pacing',
  none: "no congestion control: the peer's window is the only limit (for labs)",
} as const;
export type CongestionName = keyof typeof CONGESTION_CONTROLS;

/**
 * How slow start ends before a loss: Linux's HyStart with both signs or one of them, HyStart++ (RFC
 * 9406), or not at all.
 */
export type HystartName = 'linux' | 'linux-train' | 'linux-delay' | 'rfc9406' | 'off';

export interface CongestionOptions {
  readonly hystart: HystartName;
  /** Seed of random decisions: any int32. */
  readonly random: number;
}

export function createCongestionControl(
  name: CongestionName,
  o: CongestionOptions,
): CongestionControl {
  switch (name) {
    case 'cubic':
      return new Cubic(slowStartExit(o.hystart));
    case 'reno':
      return new Reno();
    case 'bbr':
      return new Bbr(new SeededRandom(o.random));
    case 'none':
      return new NoCongestionControl();
    default:
      return name satisfies never;
  }
}

function slowStartExit(name: HystartName): SlowStartExit {
  switch (name) {
    case 'linux':
      return new Hystart();
    case 'linux-train':
      return new Hystart(HystartSign.ackTrain);
    case 'linux-delay':
      return new Hystart(HystartSign.delay);
    case 'rfc9406':
      return new HystartPlusPlus();
    default:
      return new UntilLoss();
  }
}
