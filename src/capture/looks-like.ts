/** What a file is that is no capture, from its first bytes: for the error that a person reads. */

interface Kind {
  readonly magic: readonly number[];
  readonly what: string;
  readonly fix: string;
}

const unpack = (what: string, command: string): Omit<Kind, 'magic'> => ({
  what,
  fix: `unpack it first: ${command}`,
});
const convert = (what: string): Omit<Kind, 'magic'> => ({
  what,
  fix: 'convert it with Wireshark: editcap -F pcapng OLD NEW',
});

const KINDS: readonly Kind[] = [
  { magic: [0x1f, 0x8b], ...unpack('is compressed with gzip', 'gunzip FILE.gz') },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], ...unpack('is compressed with zstd', 'unzstd FILE.zst') },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], ...unpack('is compressed with xz', 'unxz FILE.xz') },
  { magic: [0x42, 0x5a, 0x68], ...unpack('is compressed with bzip2', 'bunzip2 FILE.bz2') },
  { magic: [0x04, 0x22, 0x4d, 0x18], ...unpack('is compressed with lz4', 'unlz4 FILE.lz4') },
  { magic: [0x50, 0x4b, 0x03, 0x04], ...unpack('is a zip archive', 'unzip FILE.zip') },
  { magic: [...'snoop\0\0\0'].map(codeOf), ...convert('is a capture of snoop') },
  { magic: [...'RTSS'].map(codeOf), ...convert('is a capture of Network Monitor') },
  { magic: [...'GMBU'].map(codeOf), ...convert('is a capture of Network Monitor') },
  { magic: [...'\x7fELF'].map(codeOf), what: 'is a program', fix: 'give a pcap or pcapng file' },
];

function codeOf(character: string): number {
  return character.charCodeAt(0);
}

const CAPTURES = 'give a file that `tcpdump -w`, Wireshark or `tcplab --pcap` wrote';

/** A verb phrase, `is compressed with gzip`, and what to do. */
export function looksLike(bytes: Uint8Array): { readonly what: string; readonly fix: string } {
  const kind = KINDS.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (kind !== undefined) return kind;
  if (bytes.every(isText)) {
    const first = bytes.find((byte) => byte > 0x20);
    if (first === 0x7b || first === 0x5b) return { what: 'is JSON', fix: CAPTURES };
    if (first === 0x3c) return { what: 'is HTML or XML', fix: CAPTURES };
    return {
      what: 'is text',
      fix: `${CAPTURES}; what tcpdump prints without -w is no capture`,
    };
  }
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0'));
  return { what: `starts with ${hex.join(' ')}, as no capture does`, fix: CAPTURES };
}

/** Printable ASCII, white space, or a part of a longer UTF-8 character. */
const isText = (byte: number): boolean =>
  (byte >= 0x20 && byte !== 0x7f) || (byte >= 0x09 && byte <= 0x0d);
