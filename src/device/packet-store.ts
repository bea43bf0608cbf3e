/**
 * Packets that a device keeps for a while: a cable's queue, or packets on a slow link.
 *
 * It holds packets of any size for any time and releases them in any order, without garbage.
 * Packets stand back to back in large chunks. A chunk is reused after its last packet is released.
 * If a receiver kept a reference to its bytes (`RxPacket.keep`), the chunk is left to the garbage
 * collector instead.
 */
import { copyBytes } from '../base/copy.js';
import { Slab } from '../base/slab.js';
import { RxPacket, type TxPacket } from './device.js';

const CHUNK_BYTES = 256 * 1024;
const MAX_IDLE_CHUNKS = 8;
const MAX_IDLE_PACKETS = 4096;

class Chunk {
  readonly slab = new Slab(CHUNK_BYTES);
  used = 0;
  live = 0;
  kept = false;
}

/** A held packet, ready to be handed to a receiver as it is. */
export class HeldPacket extends RxPacket {
  chunk: Chunk | null = null;
  /** When it is due, and its place among those due at the same time. */
  due = -0.5; // not an integer, so that V8 makes the field a double from the start
  order = 0;
}

export class PacketStore {
  private current = new Chunk();
  private readonly idleChunks: Chunk[] = [];
  private readonly idlePackets: HeldPacket[] = [];
  /** Packets and bytes held now. */
  packets = 0;
  bytes = 0;

  /** Copies an outgoing packet: headers, pieces, and its offload fields. */
  holdTx(tx: TxPacket): HeldPacket {
    const packet = this.reserve(tx.length);
    let at = packet.offset;
    copyBytes(tx.slab, tx.start, packet.slab, at, tx.headBytes);
    at += tx.headBytes;
    for (let i = 0; i < tx.pieceCount; i++) {
      const length = tx.pieceBytes[i]!;
      copyBytes(tx.pieceSlab[i]!, tx.pieceOffset[i]!, packet.slab, at, length);
      at += length;
    }
    packet.checksumPartial = tx.checksumPartial;
    packet.checksumValid = tx.checksumPartial;
    packet.checksumStart = tx.checksumStart;
    packet.checksumOffset = tx.checksumOffset;
    packet.gsoType = tx.gsoType;
    packet.gsoSize = tx.gsoSize;
    packet.headerBytes = tx.headerBytes;
    return packet;
  }

  /** Copies a complete packet. */
  hold(slab: Slab, offset: number, length: number): HeldPacket {
    const packet = this.reserve(length);
    copyBytes(slab, offset, packet.slab, packet.offset, length);
    packet.checksumPartial = false;
    packet.checksumValid = false;
    packet.checksumStart = 0;
    packet.checksumOffset = 0;
    packet.gsoType = 0;
    packet.gsoSize = 0;
    packet.headerBytes = 0;
    return packet;
  }

  /**
   * Called when the packet was delivered or dropped. `packet.keep` says whether a receiver still
   * refers to its bytes.
   */
  release(packet: HeldPacket): void {
    const chunk = packet.chunk!;
    if (packet.keep) chunk.kept = true;
    this.packets--;
    this.bytes -= packet.length;
    packet.chunk = null;
    if (this.idlePackets.length < MAX_IDLE_PACKETS) this.idlePackets.push(packet);
    if (--chunk.live > 0 || chunk.kept) return;
    chunk.used = 0;
    if (chunk !== this.current && this.idleChunks.length < MAX_IDLE_CHUNKS)
      this.idleChunks.push(chunk);
  }

  private reserve(length: number): HeldPacket {
    if (this.current.used + length > CHUNK_BYTES)
      this.current = this.idleChunks.pop() ?? new Chunk();
    const chunk = this.current;
    const packet = this.idlePackets.pop() ?? new HeldPacket();
    packet.chunk = chunk;
    packet.slab = chunk.slab;
    packet.offset = chunk.used;
    packet.length = length;
    packet.keep = false;
    chunk.used += length;
    chunk.live++;
    this.packets++;
    this.bytes += length;
    return packet;
  }
}
