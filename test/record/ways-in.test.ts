/**
 * Every way into the core is recorded, or is known to be none: a new public method of a stack, a
 * connection, a listener or a UDP socket fails here until it is one or the other.
 */
import { expect, it } from 'vitest';
import { Listener } from '../../src/stack/tcp/listener.js';
import { TcpHost } from '../../src/stack/tcp/host.js';
import { Stack } from '../../src/stack/stack.js';
import { UdpSocket } from '../../src/stack/udp/host.js';
import { Connection } from '../../src/tcp/connection.js';
import { Op, RECORD_TYPES } from '../../src/record/records.js';

/** Neither an input nor an output: they read, or only the stack calls them. */
const NO_INPUTS = {
  Stack: [
    'turnBegins',
    'packetsWait',
    'checkBind',
    'nextTimeout',
    'connections',
    'dropsByName',
    'checkInvariants',
    'observer',
    'counters',
    // private
    'servicesFor',
    'arrives',
    'fragmentArrives',
    'deliver',
    'deliverTcp',
    'icmpError',
    'requestRun',
    'packetDropped',
    'reassemblyTimedOut',
    'route',
  ],
  Connection: [
    // the stack's
    'openActive',
    'openPassive',
    'openFromCookie',
    'onSegment',
    'onTimeout',
    'pollTransmit',
    'failWhatIsDetached',
    // they read
    'nextTimeout',
    'lentToSend',
    'receiveQueued',
    'inq',
    'snapshot',
    'tcpInfo',
    'maxSegment',
    'receiveBuffer',
    'sendBuffer',
    'maxRto',
    'isLingering',
    'allSent',
    'optionSet',
    'checkInvariants',
  ],
  Listener: ['covers', 'overlaps', 'setConfig'],
  UdpSocket: [],
  TcpHost: [
    'env',
    'timeWait',
    'counters',
    'listeners',
    'connectionCount',
    'listeners',
    'arrives',
    'arrivesAt',
    'icmpError',
    'listen',
    'checkBind',
    'connect',
    'touch',
    'setTypeOfService',
    'fastOpenQueue',
    'fastOpenIsReady',
    'fastOpenCookies',
    'ephemeralPort',
    'freeListenPort',
    'run',
    'hasWork',
    'nextTimeout',
    'onTimeout',
    'deviceGone',
    'close',
    'checkInvariants',
  ],
};
/** Inputs whose records have another name than the method. */
const OTHER_NAMES: Readonly<Record<string, keyof typeof Op>> = {
  'Stack.onTimeout': 'timeout',
  'Stack.pingUser': 'setPingUser',
  'Listener.accept': 'listenerAccept',
  'Listener.close': 'listenerClose',
  'UdpSocket.send': 'udpSend',
  'UdpSocket.close': 'udpClose',
};

const CLASSES = { Stack, Connection, Listener, UdpSocket, TcpHost };

it.each(Object.keys(CLASSES) as (keyof typeof CLASSES)[])('%s', (name) => {
  const members = Object.getOwnPropertyNames(CLASSES[name].prototype);
  const known: readonly string[] = NO_INPUTS[name];
  const unknown = members.filter((member) => {
    if (member === 'constructor' || known.includes(member)) return false;
    return !((OTHER_NAMES[`${name}.${member}`] ?? member) in Op);
  });
  expect(unknown, 'neither recorded nor known to be no input').toEqual([]);
  expect(
    known.filter((member) => !members.includes(member)),
    'gone',
  ).toEqual([]);
});

it('each record has a number of its own', () => {
  const numbers = RECORD_TYPES.map(({ op }) => op);
  expect(new Set(numbers).size).toBe(Object.keys(Op).length);
  for (const op of numbers) expect(op).toBeLessThan(0x80);
});
