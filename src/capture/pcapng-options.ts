/**
 * The options of a pcapng block (draft-ietf-opsawg-pcapng section 3.5): code, length, value padded
 * to 32 bits, up to opt_endofopt or the block's end. An option that reaches past the end ends the
 * list: the block itself is whole, and its packet is good without them.
 */
import { Option, pad4 } from './pcapng-format.js';
import { decodeUtf8 } from './utf8.js';

export interface BlockOption {
  readonly code: number;
  /** Where the value is in the view. */
  readonly at: number;
  readonly length: number;
}

export function readOptions(
  view: DataView,
  start: number,
  end: number,
  littleEndian: boolean,
): BlockOption[] {
  const options: BlockOption[] = [];
  for (let at = start; at + 4 <= end;) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === Option.end || at + 4 + length > end) break;
    options.push({ code, at: at + 4, length });
    at += 4 + pad4(length);
  }
  return options;
}

/**
 * The value of `option` as text. A name that another program padded with zeros ends before them.
 */
export function optionText(view: DataView, { at, length }: BlockOption): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
  const zero = bytes.indexOf(0);
  return decodeUtf8(bytes, 0, zero < 0 ? length : zero);
}

export function readComments(
  view: DataView,
  start: number,
  end: number,
  littleEndian: boolean,
): string[] {
  return readOptions(view, start, end, littleEndian)
    .filter(({ code }) => code === Option.comment)
    .map((option) => optionText(view, option));
}
