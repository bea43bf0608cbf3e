/** Streams over the control socket: events and captures of a stack in memory. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { Capture } from '../../../src/device/capture.js';
import { pair } from '../../../src/device/pair.js';
import { ControlClient, openCapture } from '../../../src/lab/control/client.js';
import type { Answers, Streams } from '../../../src/lab/control/protocol.js';
import { ControlServer } from '../../../src/lab/control/server.js';
import { stackStreams } from '../../../src/lab/control/stack-streams.js';
import { Host } from '../../../src/node/host.js';
import { netOf } from '../../../src/node/net.js';
import type { TraceEvent } from '../../../src/observe/events.js';
import { LinkListenerSet } from '../../../src/observe/fanout.js';
import { runtimeFolder } from './runtime-folder.js';

const { open } = runtimeFolder();

const NO_ANSWERS = {} as Answers;

async function control(streams: Streams): Promise<ControlServer> {
  const server = await ControlServer.open({
    chosen: 'streams',
    device: 'tun9',
    answers: () => NO_ANSWERS,
    streams,
  });
  open.push(server);
  return server;
}

/** A stack whose streams are served, and a client host on the same cable. */
async function stack(): Promise<{ server: Host; client: Host; control: ControlServer }> {
  const [endA, endB] = pair();
  const client = new Host({ device: endA, addresses: ['198.18.0.1/24'] });
  const capture = new Capture(endB);
  const server = new Host({ device: capture, addresses: ['198.18.0.2/24'] });
  open.push(client, server);
  const linkListeners = new LinkListenerSet();
  const streams = stackStreams({
    host: server,
    capture,
    linkListeners,
    deviceName: 'tun9',
    version: '1.2.3',
    epoch: 0,
  });
  return { server, client, control: await control(streams) };
}

/** Sends a line to an echo service and waits for the end. */
async function converse(client: Host, server: Host): Promise<void> {
  const listening = netOf(server).createServer((socket) => socket.pipe(socket));
  listening.listen(7);
  const socket = netOf(client).connect(7, '198.18.0.2');
  socket.end('hello');
  socket.resume();
  await once(socket, 'close');
  listening.close();
}

it('events come until the client hangs up; then the stack is not observed', async () => {
  const s = await stack();
  const client = await ControlClient.open('streams');
  const names: string[] = [];
  const ended = client.events(
    (event) => names.push(event.name),
    () => undefined,
  );
  await expect.poll(() => names).toContain('tcplab:trace_started');
  await converse(s.client, s.server);
  await expect.poll(() => names).toContain('tcp:segment_received');
  client.close();
  await ended;
  await expect.poll(() => s.server.events.listeners).toBe(0);
  expect(s.server.stack.observer).toBeNull();
});

it('a capture is pcapng with comments, from the header on', async () => {
  const s = await stack();
  const capture = await openCapture('streams');
  const chunks: Uint8Array[] = [];
  const reading = (async () => {
    for await (const chunk of capture.chunks) chunks.push(chunk);
  })();
  await expect.poll(() => chunks.length).toBeGreaterThan(0);
  await converse(s.client, s.server);
  const text = (): string => Buffer.concat(chunks).toString('latin1');
  await expect.poll(text).toContain('LISTEN');
  capture.close();
  await reading.catch(() => undefined);
  expect(Buffer.concat(chunks).readUInt32LE(0)).toBe(0x0a0d0d0a);
});

it('the stack ends: the events end, without an error', async () => {
  const s = await stack();
  const client = await ControlClient.open('streams');
  let begun = false;
  const ended = client.events(
    () => (begun = true),
    () => undefined,
  );
  await expect.poll(() => begun).toBe(true);
  s.control.close();
  await ended;
});

it('events that a client does not read are left out and counted', async () => {
  let emit: (event: TraceEvent) => void = () => undefined;
  await control({
    events: (sink) => {
      emit = sink;
      return () => undefined;
    },
    capture: () => () => undefined,
  });
  const { path } = open[0] as ControlServer;
  const reader = connect(path);
  reader.write('{"id":1,"command":"events"}\n');
  await expect.poll(() => emit.length).toBe(1);
  const event = {
    name: 'ip:packet_dropped',
    data: { reason: 'x'.repeat(1 << 20), detail: '' },
  } as unknown as TraceEvent;
  reader.pause();
  for (let i = 0; i < 40; i++) emit(event);
  let text = '';
  reader.setEncoding('utf8').on('data', (part: string) => (text += part));
  reader.resume();
  await expect.poll(() => (emit(event), text.includes('"skipped":')), { timeout: 5000 }).toBe(true);
  reader.destroy();
  const skipped = Number(/"skipped":(\d+)/.exec(text)![1]);
  expect(skipped).toBeGreaterThan(10);
});
