/**
 * The capture of a conversation, parsed by our reader. test/e2e/capture-tshark.test.ts compares it
 * with tshark.
 */
import { expect, it } from 'vitest';
import { CaptureFile } from '../../src/observe/capture-file.js';
import { LinkListenerSet } from '../../src/observe/fanout.js';
import { Recorder } from '../../src/observe/recorder.js';
import { Capture } from '../../src/device/capture.js';
import { concat, readAll } from '../capture/files.js';
import { faultOf } from '../device/packets.js';
import { converse, START } from './conversation.js';

it('contains a conversation with comments, and dropped packets under a second interface', () => {
  const chunks: Uint8Array[] = [];
  const file = new CaptureFile((b) => chunks.push(b), {
    name: 'tun0',
    application: 'test',
    epoch: 1e15,
  });
  const recorder = new Recorder(file.sink, START);
  const { time } = converse({
    link: 'drop syn-ack:1 out delay 20ms',
    offload: true,
    observer: recorder,
    linkListener: new LinkListenerSet(recorder, file),
    wrap: (device) => new Capture(device, file),
  });
  file.close(time.now);
  const { packets, reader } = readAll(concat(...chunks));
  expect(reader.sections).toMatchObject([{ application: 'test' }]);
  expect(reader.interfaces.map(({ name }) => name)).toEqual(['tun0', 'tun0-dropped-by-faults']);
  expect(packets.map((p) => faultOf(p.frame))).toEqual(packets.map(() => ''));
  const lost = packets.filter((p) => p.interfaceId === 1);
  expect(lost.map((p) => [p.direction, p.comments])).toEqual([
    ['out', ['linkRule syn-ack:1: dropped on the link on purpose (drop rule)']],
  ]);
  const passed = packets.filter((p) => p.interfaceId === 0);
  expect(passed.filter((p) => p.comments.length === 0)).toEqual([]);
  expect(passed[0]!.comments[0]).toContain('LISTEN → SYN-RECEIVED: valid SYN on a listening port');
  expect(reader.interfaces.map(({ statistics }) => statistics)).toMatchObject([
    { received: passed.length, dropped: 0 },
    { received: 1, dropped: 1 },
  ]);
});
