import type { CongestionControl } from './control.js';
import { NoCongestionControl } from './none.js';
import { Reno } from './reno.js';

export type CongestionName = 'cubic' | 'reno' | 'bbr' | 'none';
export type HystartName = 'linux' | 'rfc9406' | 'off';

export interface CongestionOptions {
  hystart: HystartName;
  /** Any number: BBR's cycle starts at a random phase. */
  random: number;
}

export function createCongestionControl(name: CongestionName, _o: CongestionOptions): CongestionControl {
  return name === 'none' ? new NoCongestionControl() : new Reno();
}
