/**
 * A Linux TUN device: IP packets to and from the kernel, in batches, with the offloads that the
 * kernel grants.
 *
 *     in:   readiness ─▶ one native read of a batch into the slab ─▶ Receiver.packet … batchEnd
 *     out:  packet() … transmit() ─▶ descriptors ─▶ flush(): one native write of the batch
 *
 * With IFF_VNET_HDR each packet has a virtio-net header before it. Packets of up to 64 KB pass
 * whole and with a partial checksum. The kernel neither segments nor checksums them, because they
 * do not leave the machine. Packets are read back to back into a slab of 1 MB. If a receiver keeps
 * parts of it, reading continues in a fresh slab, and the garbage collector frees the old one when
 * nothing refers to it.
 */
import { getSystemErrorName } from 'node:util';
import { Slab } from '../../base/slab.js';
import { NEVER, type Micros } from '../../base/time.js';
import { Drop } from '../../wire/drop.js';
import {
  FULL_OFFLOAD,
  NO_OFFLOAD,
  RxPacket,
  TX_ROOM,
  TxPacket,
  type Device,
  type DeviceCounters,
  type Offload,
  type Receiver,
} from '../device.js';
import {
  MOST_BUFFERS,
  native,
  QueueMode,
  Rx,
  Tx,
  type Native,
  type NativeQueue,
} from './native.js';
import {
  grantOffload,
  IFF_VNET_HDR,
  openByFd,
  openByName,
  TunError,
  type TunOptions,
} from './tun-open.js';

export { TunError, type TunOptions };

/** linux/virtio_net.h: the header before each packet, in the machine's byte order. */
const VNET_BYTES = 10;
const VNET_NEEDS_CSUM = 1;
const VNET_DATA_VALID = 2;
const VNET_GSO_ECN = 0x80;

/** Size of a receive slab. 1 MB measured fastest; larger slabs no longer fit in the CPU cache. */
const RX_SLAB_BYTES = 1 << 20;
/** With fewer free bytes than this, a slab has no room for a packet of the largest size. */
const RX_ROOM = 65_536 + 64;
const RX_BATCH = 64;
/** Most batches read in a row. Then the event loop runs other work even if packets wait. */
const RX_BATCHES_A_TURN = 4;
const TX_SLAB_BYTES = 1 << 20;
const TX_BATCH = 128;
/**
 * A piece shorter than this is copied behind its headers, which is cheaper than one more buffer in
 * the system call.
 */
const COPY_BELOW_BYTES = 2048;

const EIO = 5;
const EBADF = 9;
const EAGAIN = 11;
const ENOMEM = 12;
const EBADFD = 77;
const ENOBUFS = 105;

/**
 * For `alone`: bytes of the largest small packet, the number of small packets in a row after which
 * the next one is expected alone (more than in a handshake), and the time that counts as silence.
 */
const SMALL_PACKET_BYTES = 512;
const ALONE_FOR_GOOD = 8;
const QUIET: Micros = 10;

/** The slab is not zeroed, because the kernel writes every byte before it is read. */
const freshSlab = (): Slab => new Slab(new Uint8Array(native().takeSlab()));

export class TunDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload;
  readonly counters: DeviceCounters = {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
  };
  private readonly lib: Native;
  private readonly queue: NativeQueue;
  private readonly vnet: boolean;
  private readonly clock: () => Micros;
  private receiver: Receiver | null = null;
  private closed = false;
  /** The errno of a failure before a receiver was attached; 0 if there was none. */
  private untold = 0;

  private rxSlab = freshSlab();
  private rxAt = 0;
  private rxKept = false;
  /**
   * How many small packets in a row came alone, each after silence, as in requests and replies. The
   * next one probably comes alone too, so the device reads only one packet and saves the system
   * call that finds no other. If there is another one, the descriptor stays ready, and the next
   * read sets this to 0, because there was no silence before it. Besides, one read in eight asks
   * for all packets.
   */
  private alone = 0;
  private readAt: Micros = 0;
  private readonly rx = new RxPacket();
  private readonly rxWords = new Int32Array(RX_BATCH * Rx.words);

  private readonly tx = new TxPacket();
  private readonly txSlab = new Slab(TX_SLAB_BYTES);
  private txAt = 0;
  private txCount = 0;
  private readonly txWords = new Int32Array(TX_BATCH * Tx.words);
  private readonly txBuffers: Uint8Array[] = [];
  private readonly txResult = new Int32Array(5);

  /**
   * Opens a device. Throws TunError with code ENOENT, ENODEV, ENXIO, EACCES, EPERM, EBUSY or EINVAL
   * and a message that says what to do. A caller that knows more about the machine can replace the
   * message (lab/cli).
   */
  static open(o: TunOptions): TunDevice {
    const lib = native();
    const wantVnet = (o.offload ?? true) === true;
    const opened = o.fd === undefined ? openByName(lib, o, wantVnet) : openByFd(lib, o.fd);
    try {
      const { flags } = lib.tunInfo(opened.fd);
      const vnet = (flags & IFF_VNET_HDR) !== 0;
      if (vnet) lib.setVnetHeaderSize(opened.fd, VNET_BYTES);
      const granted = vnet && wantVnet && grantOffload(lib, opened.fd);
      if (vnet && !granted) lib.setOffload(opened.fd, 0);
      return new TunDevice(lib, opened, vnet, granted, o);
    } catch (error) {
      lib.closeFd(opened.fd);
      throw error;
    }
  }

  private constructor(
    lib: Native,
    opened: { fd: number; name: string },
    vnet: boolean,
    granted: boolean,
    o: TunOptions,
  ) {
    this.lib = lib;
    this.name = opened.name;
    this.vnet = vnet;
    this.offload = granted ? FULL_OFFLOAD : NO_OFFLOAD;
    this.clock = o.clock;
    this.mtu = o.mtu ?? lib.linkMtu(opened.name);
    this.tx.slab = this.txSlab;
    const joins = !granted && o.offload !== false;
    this.queue = lib.queueOpen(
      opened.fd,
      (vnet ? QueueMode.vnet : 0) | (joins ? QueueMode.receiveOffload : 0),
      (status) => {
        this.ready(status);
      },
    );
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver;
    if (this.untold !== 0) this.fail(this.untold, true);
  }

  // ---- In ---------------------------------------------------------------------------------------

  private ready(status: number): void {
    const { receiver } = this;
    if (this.closed) return;
    if (receiver === null) {
      this.untold = -status;
      return;
    }
    if (status < 0) {
      this.fail(-status, true);
      return;
    }
    for (let batch = 0; batch < RX_BATCHES_A_TURN; batch++) {
      if (this.rxAt + RX_ROOM > RX_SLAB_BYTES) this.nextSlab();
      const most = this.alone < ALONE_FOR_GOOD || this.alone % ALONE_FOR_GOOD === 0 ? RX_BATCH : 1;
      const n = this.lib.queueRead(this.queue, this.rxSlab.bytes, this.rxAt, this.rxWords, most);
      if (n < 0) {
        // A lack of memory may pass. After any other error the descriptor would stay ready for
        // ever, so the device is closed.
        if (n !== -EAGAIN) this.fail(-n, n !== -ENOBUFS && n !== -ENOMEM);
        return;
      }
      const now = this.clock();
      const isAlone =
        n === 1 && this.rxWords[Rx.length]! <= SMALL_PACKET_BYTES && now - this.readAt > QUIET;
      this.alone = isAlone ? this.alone + 1 : 0;
      this.readAt = now;
      for (let i = 0; i < n; i++) {
        this.deliver(receiver, i * Rx.words, now);
        if (this.isClosed()) return;
      }
      if (!this.rxKept) this.rxAt = 0;
      if (batch === 0) receiver.turnBegins?.();
      receiver.batchEnd(now);
      if (this.isClosed() || n < RX_BATCH) return;
    }
  }

  /**
   * True if a callback has closed the device. This is a method because the compiler would assume
   * that the field did not change.
   */
  private isClosed(): boolean {
    return this.closed;
  }

  private deliver(receiver: Receiver, at: number, now: Micros): void {
    const { rx, rxWords: w } = this;
    const flags = w[at + Rx.flags]!;
    rx.slab = this.rxSlab;
    rx.offset = w[at + Rx.offset]!;
    rx.length = w[at + Rx.length]!;
    rx.checksumPartial = (flags & VNET_NEEDS_CSUM) !== 0;
    rx.checksumValid = rx.checksumPartial || (flags & VNET_DATA_VALID) !== 0;
    rx.checksumStart = w[at + Rx.csumStart]!;
    rx.checksumOffset = w[at + Rx.csumOffset]!;
    rx.gsoType = w[at + Rx.gsoType]! & ~VNET_GSO_ECN;
    rx.gsoSize = rx.gsoType === 0 ? 0 : w[at + Rx.gsoSize]!;
    rx.headerBytes = w[at + Rx.headerLength]!;
    rx.keep = false;
    this.counters.rxPackets++;
    this.counters.rxBytes += rx.length;
    receiver.packet(rx, now);
    if (rx.keep) this.rxKept = true;
    this.rxAt = (rx.offset + rx.length + 7) & ~7;
  }

  /** Called when the slab is full: takes a fresh one if a receiver keeps parts, else reuses it. */
  private nextSlab(): void {
    if (this.rxKept) this.rxSlab = freshSlab();
    this.rxKept = false;
    this.rxAt = 0;
  }

  /** Reports the error to the receiver; a fatal error closes the device first. */
  private fail(errno: number, fatal: boolean): void {
    const { name } = this;
    const code = errno === EBADFD ? 'EBADFD' : getSystemErrorName(-errno);
    const what =
      errno === EBADFD
        ? `the device ${name} was deleted`
        : errno === EIO
          ? `the device ${name} is down: set it up with \`sudo ip link set ${name} up\``
          : fatal
            ? `the device ${name} failed (${code})`
            : `the device ${name} refused a packet (${code})`;
    if (fatal) this.close();
    this.receiver?.deviceError(new TunError(code, what), fatal, this.clock());
  }

  // ---- Out --------------------------------------------------------------------------------------

  packet(): TxPacket {
    if (this.txCount === TX_BATCH || this.txAt + VNET_BYTES + TX_ROOM + 16 > TX_SLAB_BYTES)
      this.flush(0);
    if (this.txBuffers.length + Tx.mostPieces > MOST_BUFFERS) this.flush(0);
    const { tx } = this;
    tx.clear();
    // The headers after the virtio-net header start on a 4-byte boundary.
    tx.start = this.txAt + (this.vnet ? VNET_BYTES + 2 : 0);
    return tx;
  }

  transmit(_now: Micros): void {
    const { tx, txWords: w, txSlab } = this;
    const head = this.vnet ? tx.start - VNET_BYTES : tx.start;
    if (this.vnet) writeVnetHeader(txSlab.view, head, tx);
    let end = tx.start + tx.headBytes;
    const at = this.txCount * Tx.words;
    let pieces = 0;
    for (let i = 0; i < tx.pieceCount; i++) {
      const bytes = tx.pieceBytes[i]!;
      if (bytes < COPY_BELOW_BYTES && pieces === 0) {
        copyInto(txSlab.bytes, end, tx.pieceSlab[i]!.bytes, tx.pieceOffset[i]!, bytes);
        end += bytes;
        continue;
      }
      const word = at + Tx.firstPiece + 3 * pieces++;
      w[word] = this.bufferIndex(tx.pieceSlab[i]!.bytes);
      w[word + 1] = tx.pieceOffset[i]!;
      w[word + 2] = bytes;
    }
    w[at + Tx.offset] = head;
    w[at + Tx.length] = end - head;
    w[at + Tx.pieces] = pieces;
    this.txAt = (end + 7) & ~7;
    this.txCount++;
  }

  private bufferIndex(bytes: Uint8Array): number {
    const { txBuffers } = this;
    const last = txBuffers.length - 1;
    if (last >= 0 && txBuffers[last] === bytes) return last;
    txBuffers.push(bytes);
    return last + 1;
  }

  flush(_now: Micros): void {
    const count = this.txCount;
    if (count === 0) return;
    const { txResult: result, counters } = this;
    this.txCount = 0;
    this.txAt = 0;
    if (!this.closed) {
      this.lib.queueWrite(
        this.queue,
        this.txSlab.bytes,
        this.txWords,
        count,
        this.txBuffers,
        result,
      );
      const written = result[0]!;
      counters.txPackets += written;
      counters.txBytes += result[1]! - (this.vnet ? written * VNET_BYTES : 0);
    }
    // Setting the length costs a call into V8's runtime, even for an empty array.
    if (this.txBuffers.length > 0) this.txBuffers.length = 0;
    if (this.closed) counters.txDropped += count;
    else if (result[0]! < count) this.dropped(result[2]!, result[3]!, result[4]!);
  }

  /**
   * Counts and reports packets that the kernel did not take. A full queue is like that of any link:
   * TCP retransmits. If the kernel refused a packet, only that packet is lost; only the loss of the
   * device itself is fatal.
   */
  private dropped(full: number, refused: number, errno: number): void {
    this.counters.txDropped += full + refused;
    if (full > 0) this.receiver?.deviceDrop(Drop.deviceQueueFull, full, this.clock());
    if (refused === 0) return;
    this.receiver?.deviceDrop(Drop.deviceError, refused, this.clock());
    this.fail(errno, errno === EBADFD || errno === EBADF);
  }

  // ---- The rest ---------------------------------------------------------------------------------

  nextTimeout(): Micros {
    return NEVER;
  }

  onTimeout(): void {
    // a TUN has no deadlines
  }

  poll(): void {
    this.alone = 0;
    if (!this.closed) this.ready(0);
  }

  unref(): void {
    if (!this.closed) this.lib.queueRef(this.queue, 0);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.lib.queueClose(this.queue);
  }
}

function writeVnetHeader(view: DataView, at: number, tx: TxPacket): void {
  view.setUint8(at, tx.checksumPartial ? VNET_NEEDS_CSUM : 0);
  view.setUint8(at + 1, tx.gsoType === 0 ? 0 : tx.gsoType | (tx.gsoEcn ? VNET_GSO_ECN : 0));
  view.setUint16(at + 2, tx.gsoType === 0 ? 0 : tx.headerBytes, true);
  view.setUint16(at + 4, tx.gsoSize, true);
  view.setUint16(at + 6, tx.checksumPartial ? tx.checksumStart : 0, true);
  view.setUint16(at + 8, tx.checksumPartial ? tx.checksumOffset : 0, true);
}

/** Copies short pieces byte by byte, because that is faster than creating a view. */
function copyInto(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  offset: number,
  length: number,
): void {
  if (length > 64) {
    to.set(from.subarray(offset, offset + length), at);
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = from[offset + i]!;
}
