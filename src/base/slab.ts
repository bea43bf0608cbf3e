/**
 * A block of bytes and the two ways to look at it. Headers are read byte by byte through `bytes` (a
 * header's fields have odd places and the reads are few); checksums take eight bytes at a time
 * through `view`. Making a view costs more than parsing a header, so both are made once, with the
 * block.
 *
 * `bytes` may be one of Node's Buffers, whose `slice` is no copy: `copyOf` (copy.ts) makes one of
 * either.
 */
export class Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === 'number' ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }
}
