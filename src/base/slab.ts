/**
 * A block of bytes with two views, both made once because making a view costs more than parsing a
 * header. Headers are read byte by byte through `bytes`, because their fields are unaligned and
 * few. Checksums read 32-bit words through `view`.
 *
 * `bytes` may be a Node Buffer, whose `slice` does not copy. Use `copyOf` (copy.ts), which copies
 * either kind.
 */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === 'number' ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }
}
