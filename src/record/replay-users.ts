/**
 * The users of a replayed stack, and everything else that it calls or asks: they compare each call
 * with the recording, make the calls that the recorded users made, and give the recorded answers.
 */
import type { Random } from '../base/random.js';
import type { PingUser } from '../stack/icmp/host.js';
import type { Neighbours } from '../stack/neighbours.js';
import type { ListenUser } from '../stack/tcp/listener.js';
import type { UdpUser } from '../stack/udp/host.js';
import type { TcpUser } from '../tcp/connection.js';
import { numberOf } from './recorded-user.js';
import { Op } from './records.js';
import type { Transcript } from './transcript.js';

export const replayRandom = (t: Transcript): Random => {
  const answer = (op: number): number =>
    t.expect(op) ? (t.read((reader) => reader.number()) ?? 0) : 0;
  return { int32: () => answer(Op.int32), float: () => answer(Op.float) };
};

/** The user of all connections. */
export const replayTcpUser = (t: Transcript): TcpUser => ({
  tcpEvents(conn, events) {
    const number = numberOf(conn);
    if (!t.expect(Op.told, () => `tcpEvents(#${number}, ${events})`)) return;
    t.compare('tcpEvents of connection', number, (reader) => reader.varint());
    t.compare(`tcpEvents of connection ${number}:`, events, (reader) => reader.number());
    t.cross();
  },
  get mayAnswer() {
    return t.asked(Op.mayAnswer);
  },
});

/** Plays the nested inputs, then reads the answer. */
function answered(t: Transcript): boolean {
  t.leave();
  const taken = t.peek() === Op.threw || !t.expect(Op.returned) ? false : t.read((r) => r.flag());
  t.enter();
  return taken === true;
}

export const replayListenUser = (t: Transcript, listener: number): ListenUser => ({
  tcpAccept(conn) {
    if (!t.expect(Op.accepts)) return false;
    t.compare('tcpAccept of listener', listener, (reader) => reader.varint());
    t.compare('tcpAccept of connection', numberOf(conn), (reader) => reader.varint());
    return answered(t);
  },
});

export const replayUdpUser = (t: Transcript, socket: number): UdpUser => ({
  udpDatagram(_socket, bytes) {
    if (!t.expect(Op.datagram)) return;
    t.compare('udpDatagram of socket', socket, (reader) => reader.varint());
    t.compare('udpDatagram: bytes', bytes.length, (reader) => reader.number());
    t.cross();
  },
  udpError(_socket, errno) {
    if (!t.expect(Op.udpError)) return;
    t.compare('udpError of socket', socket, (reader) => reader.varint());
    t.compare('udpError', errno, (reader) => reader.text());
    t.cross();
  },
});

export const replayPingUser = (t: Transcript): PingUser => ({
  pingAnswer(what, _from, id, seq) {
    if (!t.expect(Op.pong)) return;
    t.compare('pingAnswer', what, (reader) => reader.text());
    t.compare('pingAnswer: id', id, (reader) => reader.number());
    t.compare('pingAnswer: seq', seq, (reader) => reader.number());
    t.cross();
  },
});

export const replayNeighbours = (t: Transcript): Neighbours => ({
  offer(bytes) {
    if (!t.expect(Op.offers)) return false;
    t.compare('offer: bytes', bytes.length, (reader) => reader.number());
    return answered(t);
  },
});
