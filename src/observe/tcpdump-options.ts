/** TCP options in tcpdump's words, in the order in which they are on the wire. */
import { get16, get32 } from '../wire/bytes.js';
import { TcpOption } from '../wire/tcp.js';

/** `sackBase` is taken from the edges of SACK blocks. */
export function optionsText(
  bytes: Uint8Array,
  from: number,
  end: number,
  sackBase: number,
): string {
  const parts: string[] = [];
  for (let at = from; at < end;) {
    const kind = bytes[at]!;
    if (kind === TcpOption.EOL) {
      parts.push('eol');
      break;
    }
    if (kind === TcpOption.NOP) {
      parts.push('nop');
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > end) {
      parts.push('[bad opt]');
      break;
    }
    parts.push(optionText(bytes, kind, at, length, sackBase));
    at += length;
  }
  return parts.join(',');
}

function optionText(
  bytes: Uint8Array,
  kind: number,
  at: number,
  length: number,
  sackBase: number,
): string {
  switch (kind) {
    case TcpOption.MSS:
      return `mss ${get16(bytes, at + 2)}`;
    case TcpOption.WSCALE:
      return `wscale ${bytes[at + 2]!}`;
    case TcpOption.SACK_PERMITTED:
      return 'sackOK';
    case TcpOption.TIMESTAMPS:
      return `TS val ${get32(bytes, at + 2) >>> 0} ecr ${get32(bytes, at + 6) >>> 0}`;
    case TcpOption.SACK: {
      const edges: string[] = [];
      for (let i = at + 2; i + 8 <= at + length; i += 8) {
        const left = (get32(bytes, i) - sackBase) >>> 0;
        const right = (get32(bytes, i + 4) - sackBase) >>> 0;
        edges.push(`{${left}:${right}}`);
      }
      return `sack ${edges.length} ${edges.join('')}`;
    }
    case TcpOption.FAST_OPEN:
      return length === 2
        ? 'tfo  cookiereq'
        : `tfo  cookie ${hexOf(bytes.subarray(at + 2, at + length))}`;
    default:
      return `unknown-${kind} 0x${hexOf(bytes.subarray(at + 2, at + length))}`;
  }
}

const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
