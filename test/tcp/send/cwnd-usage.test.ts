/** As in Linux, in the spirit of RFC 7661: an unused cwnd is reduced. */
import { expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { ack, congestion, inFlight, MSS, RTT } from '../flight.js';
import { setWindow } from '../congestion/set-window.js';

/** One segment a round trip for `rounds`, with room for forty. */
function frugal(rounds: number, slowStartAfterIdle: boolean): ReturnType<typeof congestion> {
  const s = inFlight(1, { config: { slowStartAfterIdle } });
  setWindow(s.conn.snd.congestion, { cwnd: 40 });
  for (let n = 1; n <= rounds; n++) {
    s.wait(RTT);
    s.send(ack(n));
    s.write(MSS);
  }
  return congestion(s);
}

it('each RTO of little use removes half of cwnd above the initial window; ssthresh keeps the old value', () => {
  const rounds = SECOND / RTT;
  const { cwnd, ssthresh } = frugal(rounds, true);
  expect([cwnd < 20, cwnd >= 10, ssthresh]).toEqual([true, true, Infinity]);
  expect(frugal(rounds, false).cwnd).toBe(40);
});
