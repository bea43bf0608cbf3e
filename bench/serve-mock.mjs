// @ts-check
/**
 * A server without a stack: a loop on the TUN that tracks a few sequence numbers and answers as if
 * the network were perfect. It has no checks, timers, retransmission, receive window or sockets. It
 * uses our device as the stack does, and its sink passes on slices of the received slabs. So its
 * rate is an upper bound for any stack in JavaScript on this device. The services are those of
 * services.mjs. Prints `ready DEVICE`.
 */
import { parseArgs } from 'node:util';
import { Slab } from '../dist/base/slab.js';
import { Gso } from '../dist/device/device.js';
import { monotonicClock, TunDevice } from '../dist/index.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../dist/wire/checksum.js';
import { PORTS, serveTheBench } from './services.mjs';

const { values: options } = parseArgs({
  options: {
    'no-offload': { type: 'boolean', default: false },
    name: { type: 'string', default: 'tcplab0' },
  },
});
const device = TunDevice.open({
  name: options.name,
  offload: !options['no-offload'],
  mtu: 1500,
  clock: monotonicClock,
});

const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];
const MSS = 1460;
const HEADERS = 40;
/** Payload of one outgoing packet. */
const MOST = device.offload.tso4 ? 44 * MSS : MSS;
/** Zeros, because their sum is 0: without offloads only headers have to be summed. */
const zeros = new Slab(1 << 16);
const SCALE = 8;
const WINDOW = 0x4000; // 4 MB

class Peer {
  /** The client's port (`source`) and address; the local address and port. */
  source = 0;
  address = 0;
  local = 0;
  port = 0;
  rcvNxt = 0;
  sndNxt = 0;
  sndUna = 0;
  /** Consecutive duplicate ACKs, and sndUna at the last run of the timer. */
  duplicates = 0;
  seenUna = 0;
  window = 0;
  scale = 0;
  count = 0;
  left = 0;
  line = '';
  ended = false;
  finSent = false;
  owesAck = false;
  inTurn = false;
  /** @type {Uint8Array | null} the slice that the reader got last */
  last = null;
}

/** @type {Map<number, Peer>} by the last two bytes of its address and its port */
const peers = new Map();
/** @type {Peer[]} peers to answer at the end of this batch */
const turn = [];

device.attach({
  packet,
  batchEnd,
  deviceError: (error) => console.error(error.message),
  deviceDrop: () => undefined,
});

/** @param {import('../dist/device/device.js').RxPacket} rx */
function packet(rx) {
  const { view, bytes } = rx.slab;
  const at = rx.offset;
  if (bytes[at] !== 0x45 || bytes[at + 9] !== 6) return;
  const tcp = at + 20;
  const flags = bytes[tcp + 13] ?? 0;
  const remote = view.getInt32(at + 12);
  const key = ((remote & 0x7fff) << 16) | view.getUint16(tcp);
  let peer = peers.get(key);
  if ((flags & SYN) !== 0) {
    peer = new Peer();
    peers.set(key, peer);
    peer.address = remote;
    peer.local = view.getInt32(at + 16);
    peer.source = view.getUint16(tcp);
    peer.port = view.getUint16(tcp + 2);
    peer.rcvNxt = (view.getInt32(tcp + 4) + 1) | 0;
    peer.scale = scaleOf(bytes, tcp);
    send(peer, SYN | ACK, 0);
    peer.sndNxt = 1;
    return;
  }
  if (peer === undefined) return;
  const payload = tcp + ((bytes[tcp + 12] ?? 0) >> 4) * 4;
  const length = at + rx.length - payload;
  const ack = view.getInt32(tcp + 8);
  peer.duplicates = ack === peer.sndUna && length === 0 ? peer.duplicates + 1 : 0;
  peer.sndUna = ack;
  if (peer.duplicates === 3) goBack(peer);
  peer.window = view.getUint16(tcp + 14) << peer.scale;
  if (view.getInt32(tcp + 4) === peer.rcvNxt && (length > 0 || (flags & FIN) !== 0)) {
    peer.rcvNxt = (peer.rcvNxt + length + (flags & FIN)) | 0;
    if (length > 0) take(peer, rx, payload, length);
    if ((flags & FIN) !== 0) ended(peer);
  } else if (length > 0) {
    peer.owesAck = true; // a duplicate ACK for out-of-order data
  }
  if (peer.finSent && peer.ended && peer.sndUna === peer.sndNxt) peers.delete(key);
  if ((peer.owesAck || peer.left > 0) && !peer.inTurn) {
    peer.inTurn = true;
    turn.push(peer);
  }
}

/**
 * @param {Peer} peer
 * @param {import('../dist/device/device.js').RxPacket} rx
 * @param {number} payload
 * @param {number} length
 */
function take(peer, rx, payload, length) {
  const { bytes } = rx.slab;
  if (peer.port === PORTS.sink) {
    rx.keep = true;
    peer.last = bytes.subarray(payload, payload + length);
    peer.count += peer.last.length;
    peer.owesAck = true;
  } else if (peer.port === PORTS.echo) {
    send(peer, PSH | ACK, length, rx.slab, payload);
  } else {
    for (let i = 0; i < length; i++) peer.line += String.fromCharCode(bytes[payload + i] ?? 0);
    if (peer.line.endsWith('\n')) peer.left = Number(peer.line);
  }
}

/** @param {Peer} peer */
function ended(peer) {
  peer.ended = true;
  if (peer.port === PORTS.source) {
    peer.owesAck = true;
    return;
  }
  const answer = Buffer.from(peer.port === PORTS.sink ? String(peer.count) : '', 'latin1');
  send(peer, PSH | FIN | ACK, answer.length, new Slab(answer), 0);
  peer.owesAck = false;
}

/**
 * A kernel whose buffers are full drops packets. Then everything is sent again from the first
 * missing byte, because otherwise the run would hang.
 *
 * @param {Peer} peer
 */
function goBack(peer) {
  if (peer.port !== PORTS.source || peer.finSent) return;
  peer.left += (peer.sndNxt - peer.sndUna) | 0;
  peer.sndNxt = peer.sndUna;
}

setInterval(() => {
  for (const peer of peers.values()) {
    if (peer.left === 0 || peer.sndNxt === peer.sndUna || peer.sndUna !== peer.seenUna) {
      peer.seenUna = peer.sndUna;
      continue;
    }
    goBack(peer);
    turn.push(peer);
  }
  batchEnd();
}, 100).unref();

function batchEnd() {
  for (const peer of turn) {
    peer.inTurn = false;
    while (peer.left > 0) {
      const n = Math.min(peer.left, MOST);
      if (((peer.sndNxt - peer.sndUna) | 0) + n > peer.window) break;
      peer.left -= n;
      send(peer, ACK | PSH | (peer.left === 0 ? FIN : 0), n, zeros, 0);
    }
    if (peer.owesAck) send(peer, ACK, 0);
  }
  turn.length = 0;
  device.flush(0);
}

/**
 * @param {Peer} peer
 * @param {number} flags
 * @param {number} length
 * @param {Slab} [from]
 * @param {number} [offset]
 */
function send(peer, flags, length, from, offset = 0) {
  const tx = device.packet();
  const { bytes, view } = tx.slab;
  const at = tx.start;
  const tcp = at + 20;
  const options = (flags & SYN) !== 0 ? 8 : 0;
  tx.headBytes = HEADERS + options;
  view.setInt32(at, 0x4500_0000 | (tx.headBytes + length));
  view.setInt32(at + 4, 0x4000); // DF
  view.setInt32(at + 8, 0x4006_0000);
  view.setInt32(at + 12, peer.local);
  view.setInt32(at + 16, peer.address);
  const head = ~checksumAdd(view, at, 20, 0);
  bytes[at + 10] = head >> 8;
  bytes[at + 11] = head;
  view.setUint16(tcp, peer.port);
  view.setUint16(tcp + 2, peer.source);
  view.setInt32(tcp + 4, peer.sndNxt);
  view.setInt32(tcp + 8, peer.rcvNxt);
  view.setInt32(tcp + 12, ((20 + options) << 26) | (flags << 16) | (options > 0 ? 0xffff : WINDOW));
  view.setInt32(tcp + 16, 0);
  if (options > 0) {
    view.setInt32(tcp + 20, 0x0204_0000 | MSS);
    view.setInt32(tcp + 24, 0x0103_0300 | SCALE);
  }
  const small = length > 0 && length < 2048;
  if (small && from !== undefined)
    for (let i = 0; i < length; i++) bytes[at + tx.headBytes + i] = from.bytes[offset + i] ?? 0;
  if (small) tx.headBytes += length;
  else if (length > 0 && from !== undefined) tx.addPiece(from, offset, length);
  const pseudo = pseudoHeaderSum(0, 0, 0, peer.local, 0, 0, 0, peer.address, 6);
  const sum = fold(pseudo + 20 + options + length);
  const partial = device.offload.checksum;
  const checksum = partial ? sum : ~checksumAdd(view, tcp, at + tx.headBytes - tcp, sum);
  bytes[tcp + 16] = checksum >> 8;
  bytes[tcp + 17] = checksum;
  tx.checksumPartial = partial;
  tx.checksumStart = 20;
  tx.checksumOffset = 16;
  if (length > MSS) {
    tx.gsoType = Gso.tcp4;
    tx.gsoSize = MSS;
    tx.headerBytes = HEADERS;
  }
  device.transmit(0);
  peer.sndNxt = (peer.sndNxt + length + (flags & FIN)) | 0;
  if ((flags & FIN) !== 0) peer.finSent = true;
  peer.owesAck = false;
}

/** @param {Uint8Array} bytes @param {number} tcp */
function scaleOf(bytes, tcp) {
  const end = tcp + ((bytes[tcp + 12] ?? 0) >> 4) * 4;
  for (let at = tcp + 20; at < end; at += bytes[at] === 1 ? 1 : bytes[at + 1] || 1) {
    if (bytes[at] === 3) return bytes[at + 2] ?? 0;
  }
  return 0;
}

console.log(`ready ${device.name}`);
serveTheBench();
