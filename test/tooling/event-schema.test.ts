/** schema/events-1.json: made from the types of observe/events.ts, and true of all events. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { parseLink } from '../../src/device/link/link-options.js';
import { EVENT_SCHEMA, type TraceEvent } from '../../src/observe/events.js';
import { Recorder } from '../../src/observe/recorder.js';
import { B4, exchange, Hosts } from '../stack/hosts.js';
import { schemaOfType } from './event-schema.js';

const ROOT = resolve(import.meta.dirname, '../..');
const FILE = `schema/events-${EVENT_SCHEMA}.json`;

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: `urn:tcplab:events:${EVENT_SCHEMA}`,
  title: `tcplab's events, version ${EVENT_SCHEMA}`,
  description: 'One event of a stack: a line of JSON Lines. See docs/events.md.',
  ...schemaOfType(resolve(ROOT, 'src/observe/events.ts'), 'TraceEvent'),
};

it('the file is up to date with `npm run docs`', async () => {
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(resolve(ROOT, FILE));
});

/** Events of a lossy conversation, of strays, drops, a ping and UDP. */
function someEvents(): TraceEvent[] {
  const events: TraceEvent[] = [];
  const hosts = new Hosts({ link: parseLink('loss 10% delay 5ms') });
  const { a, b, time } = hosts;
  b.observer = a.observer = new Recorder((event) => events.push(event), time.now);
  const { client } = exchange(hosts, 40_000, 200_000);
  client.conn?.setNoDelay(true);
  client.conn?.setNotSentLowat(Infinity);
  const stray = { remote: B4, remotePort: 9, user: { tcpEvents: () => undefined } };
  a.connect(stray, time.now).abort(time.now);
  a.connect(stray, time.now);
  a.ping(B4, 1, 1, new Uint8Array(8), time.now);
  a.run(time.now);
  hosts.settle(600 * SECOND);
  return events;
}

it('holds for what a recorder makes', () => {
  const validate = new Ajv2020({ strict: false }).compile(schema);
  const events = someEvents();
  for (const event of events)
    expect(validate(JSON.parse(JSON.stringify(event))), JSON.stringify(event)).toBe(true);
  const names = new Set(events.map((e) => e.name));
  for (const name of [
    'tcp:called',
    'recovery:metrics_updated',
    'tcp:buffers_updated',
    'tcp:note',
    'tcp:stray_received',
    'ip:datagram',
  ])
    expect(names, [...names].join(' ')).toContain(name);
});

it('refuses another event', () => {
  const validate = new Ajv2020({ strict: false }).compile(schema);
  const [event] = someEvents();
  expect(validate({ ...event, name: 'tcp:else' })).toBe(false);
  expect(validate({ ...event, time: '1' })).toBe(false);
});
