/**
 * Times of pcapng: 64 bits of ticks of an interface's own resolution (draft-ietf-opsawg-pcapng
 * section 4.3), turned into seconds and nanoseconds without loss.
 *
 * A double holds 53 bits, so the division goes through 16 bits after the other, as by hand. The
 * upper word changes every four seconds at most, so its part is kept. Resolutions finer than a
 * nanosecond and powers of two are rare and take BigInt.
 */
import { TWO_32 } from './pcapng-format.js';

const FINEST_DECIMAL = 9;
const BASE_TWO = 0x80;
const BILLION = 1_000_000_000;

export class ClockTicks {
  seconds = 0;
  nanos = 0;
  private readonly ticksPerSecond: number;
  private readonly nanosPerTick: number;
  /** Ticks in a second if the fast way cannot be taken; else null. */
  private readonly exact: bigint | null;
  private readonly offset: number;
  private knownHigh = 0;
  private highSeconds = 0;
  private highRest = 0;

  /** `resolution` is if_tsresol, `offset` if_tsoffset. */
  constructor(resolution: number, offset: number) {
    const exponent = resolution & ~BASE_TWO;
    const isFast = exponent === resolution && exponent <= FINEST_DECIMAL;
    this.exact = isFast
      ? null
      : (resolution & BASE_TWO) === 0
        ? BigInt(`1${'0'.repeat(exponent)}`)
        : 1n << BigInt(exponent);
    this.ticksPerSecond = isFast ? Number(`1e${exponent}`) : 1;
    this.nanosPerTick = isFast ? Number(`1e${FINEST_DECIMAL - exponent}`) : 1;
    this.offset = offset;
  }

  /** Sets `seconds` and `nanos` from the two words of a time. */
  set(high: number, low: number): void {
    if (this.exact !== null) this.setExactly(high, low, this.exact);
    else {
      const perSecond = this.ticksPerSecond;
      if (high !== this.knownHigh) this.divideHigh(high);
      // The rest is below 1e9, so with 16 bits more it stays exact.
      const upper = this.highRest * 65_536 + (low >>> 16);
      const upperSeconds = Math.floor(upper / perSecond);
      const lower = (upper - upperSeconds * perSecond) * 65_536 + (low & 0xffff);
      const lowerSeconds = Math.floor(lower / perSecond);
      this.seconds = this.highSeconds + upperSeconds * 65_536 + lowerSeconds + this.offset;
      this.nanos = (lower - lowerSeconds * perSecond) * this.nanosPerTick;
    }
  }

  private divideHigh(high: number): void {
    const perSecond = this.ticksPerSecond;
    const quotient = Math.floor(high / perSecond);
    this.knownHigh = high;
    this.highRest = high - quotient * perSecond;
    this.highSeconds = quotient * TWO_32;
  }

  private setExactly(high: number, low: number, perSecond: bigint): void {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    this.seconds = Number(ticks / perSecond) + this.offset;
    this.nanos = Number(((ticks % perSecond) * BigInt(BILLION)) / perSecond);
  }
}
