/**
 * `npm run traces`: cwnd, ssthresh, segments in flight and SRTT over time for each congestion
 * control, same seed, same lossy link; docs/labs/cwnd/*.csv.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { CONGESTION_CONTROLS, type CongestionName } from '../../src/tcp/congestion/index.js';
import { Bulk } from './bulk.js';

const FOLDER = 'docs/labs/cwnd';
const STEP = 50 * MILLISECOND;
const DURATION = 20 * SECOND;
const LINK = { rtt: 100 * MILLISECOND, rate: 10e6, loss: 0.002, seed: 7 };

it.each(Object.keys(CONGESTION_CONTROLS) as CongestionName[])('%s', (congestionControl) => {
  const bulk = new Bulk({ ...LINK, flows: [{ congestionControl, slowStartAfterIdle: false }] });
  const conn = bulk.senders[0]!;
  const rows = ['seconds,cwnd,ssthresh,in_flight,srtt_ms,delivered_bytes'];
  for (let t = 0; t < DURATION; t += STEP) {
    bulk.run(STEP);
    const { congestion, rtt } = conn.snapshot(bulk.hosts.time.now);
    // A CSV has no infinity: an empty field is what plotting tools leave out.
    const finite = (x: number): string => (Number.isFinite(x) ? String(x) : '');
    const at = ((t + STEP) / SECOND).toFixed(2);
    const srtt = (rtt.srtt / MILLISECOND).toFixed(1);
    const delivered = bulk.sinks[0]?.received ?? 0;
    rows.push(
      [
        at,
        finite(congestion.cwnd),
        finite(congestion.ssthresh),
        congestion.inFlight,
        srtt,
        delivered,
      ].join(),
    );
  }
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${congestionControl}.csv`, `${rows.join('\n')}\n`);
  expect(bulk.sinks[0]!.received).toBeGreaterThan(0);
});
