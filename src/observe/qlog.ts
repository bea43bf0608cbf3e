/**
 * Events as a qlog file: draft-ietf-quic-qlog-main-schema-14, sequential format (section 5.1), so
 * each record is a line behind a record separator (RFC 7464). qlog defines no events of TCP; ours
 * have a schema of their own (docs/events.md), whose URI the file names. Times are milliseconds.
 */
import type { EventSink } from './events.js';
import { EVENT_SCHEMA } from './events.js';

export const QLOG_EVENT_SCHEMA = `urn:tcplab:events:${EVENT_SCHEMA}`;

/** RFC 7464: an ASCII record separator begins each JSON text. */
const RECORD_SEPARATOR = '\x1e';

export interface QlogOptions {
  /** Receives each record: the header at once, then one record for each event. */
  readonly write: (record: string) => void;
  /** The device's name or another word for the place of observation. */
  readonly vantagePoint: string;
  /** Milliseconds from 1970 to the recorder's start. */
  readonly startedAt: number;
  /** tcplab's version. */
  readonly version: string;
}

/** Writes the file's header and returns the sink for its events. */
export function qlogSink({ write, vantagePoint, startedAt, version }: QlogOptions): EventSink {
  const record = (value: unknown): void => {
    write(`${RECORD_SEPARATOR}${JSON.stringify(value)}\n`);
  };
  record({
    file_schema: 'urn:ietf:params:qlog:file:sequential',
    serialization_format: 'application/qlog+json-seq',
    title: `tcplab ${version}`,
    event_schemas: [QLOG_EVENT_SCHEMA],
    trace: {
      common_fields: {
        time_format: 'relative_to_epoch',
        reference_time: {
          clock_type: 'monotonic',
          epoch: 'unknown',
          wall_clock_time: new Date(startedAt).toISOString(),
        },
      },
      vantage_point: { name: vantagePoint, type: 'unknown' },
    },
  });
  return ({ time, name, group_id, data, rfc }) => {
    record({ time: time / 1000, name, group_id, data, rfc });
  };
}
