/**
 * Deceptive fragments: a filter on the path sees another header than the host (RFC 1858, RFC 3128,
 * RFC 5722).
 */
import { describe, expect, it } from 'vitest';
import { buildPacket } from '../device/packets.js';
import { ipv4 } from '../wire/build.js';
import { RawHost, type Reply } from '../stack/raw-host.js';

const TCP = 6;
const UDP = 17;
const US = [198, 18, 0, 2];
const PEER = [198, 18, 0, 1];
const SYN = 2;

/** A SYN to port 80 of ours, with `data` after its header. */
function syn(data = 0): Uint8Array {
  const whole = buildPacket({ version: 4, flags: SYN, payload: new Uint8Array(data) });
  whole.set([...PEER, ...US], 12);
  return fixChecksum(whole.slice(20));
}

/** TCP's checksum for these two addresses. */
function fixChecksum(segment: Uint8Array): Uint8Array {
  segment.set([0, 0], 16);
  const bytes = [...PEER, ...US, 0, TCP, segment.length >> 8, segment.length & 255, ...segment];
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  segment.set([(~sum >> 8) & 255, ~sum & 255], 16);
  return segment;
}

const fragment = (offset: number, payload: Uint8Array, more: boolean, protocol = TCP): Uint8Array =>
  ipv4({
    id: 9,
    source: PEER,
    destination: US,
    protocol,
    payload,
    fragment: (offset >> 3) | (more ? 0x2000 : 0),
  });

function host(): RawHost {
  const h = new RawHost();
  h.stack.listen({ port: 80, user: { tcpAccept: () => true } });
  return h;
}

const flagsOf = (replies: Reply[]): number[] => replies.map((r) => r.payload[13]!);

describe('tiny fragments (RFC 1858 section 3, RFC 3128)', () => {
  it('a valid SYN in fragments is answered', () => {
    const h = host();
    const segment = syn(40);
    expect(
      flagsOf(
        h.send(fragment(0, segment.slice(0, 24), true), fragment(24, segment.slice(24), false)),
      ),
    ).toEqual([18]);
    expect(h.drops).toEqual({});
  });

  it.each([8, 16])(
    "ATK-19: a first fragment of %i bytes, with TCP's flags in the second one, is dropped with all that follow",
    (cut) => {
      const h = host();
      const segment = syn(40);
      expect(
        h.send(fragment(0, segment.slice(0, cut), true), fragment(cut, segment.slice(cut), false)),
      ).toEqual([]);
      expect(h.drops).toEqual({ fragmentTiny: 2 });
      expect(h.stack.tcp.connectionCount).toBe(0);
    },
  );

  it.each([8, 16])(
    'ATK-19: a fragment at offset %i, which would overwrite flags that a filter checked, is dropped',
    (offset) => {
      const h = host();
      const harmless = syn(40);
      harmless[13] = 16; // an ACK according to the first fragment
      const replies = h.send(
        fragment(0, harmless.slice(0, 24), true),
        fragment(offset, syn(40).slice(offset, 24), true),
        fragment(24, harmless.slice(24), false),
      );
      expect(h.drops).toMatchObject({ fragmentTiny: 1 });
      // The fragments that passed have arrived. Their checksum is wrong, and there is no
      // connection.
      expect([replies, h.stack.tcp.connectionCount]).toEqual([[], 0]);
    },
  );

  it('UDP may be split after its 8 bytes of header', () => {
    const h = host();
    const datagram = Uint8Array.from([4, 0, 0, 9, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    h.send(
      fragment(0, datagram.slice(0, 8), true, UDP),
      fragment(8, datagram.slice(8), false, UDP),
    );
    expect(h.drops).toEqual({ udpNoSuchPort: 1 });
  });
});

describe('overlapping fragments (RFC 5722)', () => {
  it('ATK-18: cause the whole segment to be dropped: no part of it reaches TCP', () => {
    const h = host();
    const segment = syn(40);
    const replies = h.send(
      fragment(0, segment.slice(0, 32), true),
      fragment(24, segment.slice(24, 40), true),
      fragment(32, segment.slice(32), false),
    );
    expect([replies, h.stack.tcp.connectionCount]).toEqual([[], 0]);
    expect(h.drops).toEqual({ fragmentOverlap: 1 });
  });

  it('a fragment that ends beyond 65,535 bytes ("ping of death") is dropped', () => {
    const h = host();
    expect(h.send(fragment(65_528, new Uint8Array(32), false))).toEqual([]);
    expect(h.drops).toEqual({ fragmentTooLarge: 1 });
  });
});
