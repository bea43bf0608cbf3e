/**
 * Text as UTF-8 and back, in plain ECMAScript: TextEncoder belongs to browsers and Node, and
 * `tcplab/core` needs neither. Only names and comments of captures pass through here.
 */

const REPLACEMENT = 0xfffd;
/** The smallest code point that needs 2, 3 and 4 bytes. Shorter ones in longer form are invalid. */
const LEAST = [0x80, 0x800, 0x1_0000];

export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let c = character.codePointAt(0)!;
    if (c >= 0xd800 && c <= 0xdfff) c = REPLACEMENT; // half of a surrogate pair
    if (c < 0x80) bytes.push(c);
    else if (c < 0x800) bytes.push(0xc0 | (c >> 6), tail(c));
    else if (c < 0x1_0000) bytes.push(0xe0 | (c >> 12), tail(c >> 6), tail(c));
    else bytes.push(0xf0 | (c >> 18), tail(c >> 12), tail(c >> 6), tail(c));
  }
  return Uint8Array.from(bytes);
}

const tail = (c: number): number => 0x80 | (c & 0x3f);

/** Decodes `bytes[start, end)`. An invalid byte becomes U+FFFD; nothing throws. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let at = start; at < end;) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    let c = first & (0x3f >> more);
    let n = 0;
    while (n < more && at + n < end && (bytes[at + n]! & 0xc0) === 0x80)
      c = (c << 6) | (bytes[at + n++]! & 0x3f);
    const isValid = more > 0 && n === more && first < 0xf8 && c >= LEAST[more - 1]! && isScalar(c);
    text += String.fromCodePoint(isValid ? c : REPLACEMENT);
    if (isValid) at += more;
  }
  return text;
}

/** A code point that UTF-8 may hold: no surrogate, and not above U+10FFFF. */
const isScalar = (c: number): boolean => c < 0x11_0000 && (c < 0xd800 || c > 0xdfff);
