/** The qlog file: a header, then a record for each event. */
import { expect, it } from 'vitest';
import { MINUTE } from '../../src/base/time.js';
import { EventHub } from '../../src/observe/event-hub.js';
import { qlogSink } from '../../src/observe/qlog.js';
import { exchange, Hosts } from '../stack/hosts.js';

it('is a JSON text sequence (RFC 7464) with the fields of qlog draft 14', () => {
  let text = '';
  const h = new Hosts();
  const hub = new EventHub(h.a, { start: h.time.now, startedAt: 0, version: '1.2.3' });
  hub.subscribe(
    qlogSink({
      write: (record) => (text += record),
      vantagePoint: 'tcplab0',
      startedAt: Date.UTC(2026, 0, 2),
      version: '1.2.3',
    }),
  );
  exchange(h, 1000, 1000);
  h.settle(MINUTE);
  const [before, ...records] = text.split('\x1e');
  expect(before).toBe('');
  expect(records.every((record) => record.endsWith('\n'))).toBe(true);
  const [header, ...events] = records.map(
    (record) => JSON.parse(record) as Record<string, unknown>,
  );
  expect(header).toMatchObject({
    file_schema: 'urn:ietf:params:qlog:file:sequential',
    serialization_format: 'application/qlog+json-seq',
    event_schemas: ['urn:tcplab:events:1'],
    trace: {
      common_fields: {
        time_format: 'relative_to_epoch',
        reference_time: { clock_type: 'monotonic', wall_clock_time: '2026-01-02T00:00:00.000Z' },
      },
      vantage_point: { name: 'tcplab0' },
    },
  });
  const sent = events.find((e) => e['name'] === 'tcp:segment_sent');
  expect(sent).toMatchObject({
    time: 0,
    group_id: expect.stringMatching(/^198.18.0.1:\d+ 198.18.0.2:7$/) as string,
  });
});
