/** Bytes as tcpdump prints them: -x in hex, -X in hex and ASCII. */
export type HexStyle = 'hex' | 'ascii';

const ROW = 16;

export function hexLines(bytes: Uint8Array, style: HexStyle): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = bytes.subarray(at, at + ROW);
    const offset = `0x${at.toString(16).padStart(4, '0')}`;
    const pairs = Array.from({ length: Math.ceil(row.length / 2) }, (_, i) =>
      Array.from(row.subarray(2 * i, 2 * i + 2), (b) => b.toString(16).padStart(2, '0')).join(''),
    );
    const hex = pairs.join(' ');
    lines.push(
      style === 'hex'
        ? `\t${offset}:  ${hex}`
        : `\t${offset}:  ${hex.padEnd(39)}  ${Array.from(row, printable).join('')}`,
    );
  }
  return lines;
}

const printable = (b: number): string => (b > 0x20 && b < 0x7f ? String.fromCharCode(b) : '.');
