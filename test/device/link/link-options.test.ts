import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { DropRule, LinkOptionError } from '../../../src/device/link/drop-rules.js';
import { Address } from '../../../src/ip/address.js';
import { NO_IMPAIRMENTS, parseLink } from '../../../src/device/link/link-options.js';
import { Kind, kindOf } from '../../../src/device/link/packet-kind.js';
import { Slab } from '../../../src/base/slab.js';
import { TcpFlag } from '../../../src/wire/tcp.js';
import { buildPacket, pattern } from '../packets.js';

describe('parseLink', () => {
  it('parses the words of netem', () => {
    const link = parseLink(
      'loss 5% mark 3% delay 50ms 10ms duplicate .5% reorder 25% corrupt 0.1% rate 1.5mbit ' +
        'limit 64kb seed 7',
    );
    const wanted = {
      loss: 0.05,
      mark: 0.03,
      delay: 50_000,
      jitter: 10_000,
      duplicate: 0.005,
      reorder: 0.25,
      corrupt: 0.001,
      rate: 1_500_000,
      limitPackets: Infinity,
      limitBytes: 65_536,
      hopMtu: 0,
      hopAnswer: 'icmp',
    };
    expect(link).toEqual({ seed: 7, in: wanted, out: wanted, rules: [] });
  });

  it('returns whole microseconds', () => {
    const { delay, jitter } = parseLink('delay 1.1115ms .6us').out;
    expect([delay, jitter]).toEqual([1112, 1]);
  });

  it('parses key=value, and directions', () => {
    const link = parseLink(['loss=5%,dup=1%', 'in loss=10% jitter=1ms', 'both limit=20']);
    expect(link.out).toEqual({ ...NO_IMPAIRMENTS, loss: 0.05, duplicate: 0.01, limitPackets: 20 });
    expect(link.in).toEqual({
      ...NO_IMPAIRMENTS,
      loss: 0.1,
      duplicate: 0.01,
      jitter: 1000,
      limitPackets: 20,
    });
    expect(link.in).not.toBe(link.out);
  });

  it('parses the MTU of a hop, and its reaction to longer packets', () => {
    const hops = (words: string | string[]): unknown[] => {
      const { in: inbound, out } = parseLink(words);
      return [inbound.hopMtu, inbound.hopAnswer, out.hopMtu, out.hopAnswer];
    };
    expect(hops('mtu 1280')).toEqual([1280, 'icmp', 1280, 'icmp']);
    expect(hops(['mtu', '1280,blackhole'])).toEqual([1280, 'blackhole', 1280, 'blackhole']);
    expect(hops('in mtu 600 no-mtu out mtu=9000')).toEqual([600, 'no-mtu', 9000, 'icmp']);
  });

  it('parses drop rules, which get the current direction', () => {
    expect(parseLink('drop syn-ack:2 in drop data drop out:rst').rules.map((r) => r.text)).toEqual([
      'syn-ack:2',
      'in:data',
      'out:rst',
    ]);
  });

  it.each([
    ['loss 105%', "loss '105%' must be a share from 0% to 100%, for example loss 5%"],
    ['loss 5', "loss '5' must be a share"],
    ['loss -1%', "loss '-1%' must be a share"],
    ['delay 50', "delay '50' must be a time in us, ms or s"],
    ['delay 9999999s', "delay '9999999s' must be a time"],
    ['delay', "'delay' needs a value, for example delay 50ms"],
    ['rate 1mbps', "rate '1mbps' must be bits a second in bit, kbit, mbit or gbit"],
    ['rate 0bit', "rate '0bit' must be bits"],
    ['limit 0', "limit '0' must be packets"],
    ['seed x', "seed 'x' must be a whole number"],
    ['lose 5%', "unknown link option 'lose'; use loss, mark, duplicate"],
    ['drop', "'drop' needs a value, for example drop syn-ack:2"],
    ['drop sin:1', "drop 'sin:1': unknown kind 'sin'; write [in:|out:]KIND[:COUNT]"],
    ['drop syn:', "drop 'syn:': write [in:|out:]KIND"],
    ['drop syn:0', "drop 'syn:0': packets are counted from 1"],
    ['drop data:7-5', "drop 'data:7-5': the range 7-5 is reversed"],
    ['mtu 67', "mtu '67' must be the bytes of the longest packet that passes, 68 to 65535"],
    ['mtu 1280 hole', "unknown link option 'hole'"],
    ['mtu', "'mtu' needs a value, for example mtu 1280"],
    ['drop nth', "drop 'nth': which? Write nth:10"],
    ['drop every:3-4', "'every' takes one number"],
  ])('%s is refused with the reason', (text, message) => {
    expect(() => parseLink(text)).toThrow(message);
  });
});

describe('DropRule', () => {
  const dropped = (text: string, count = 12): number[] => {
    const rule = DropRule.parse(text);
    return Array.from({ length: count }, (_, i) => i + 1).filter(() =>
      rule.drops('out', Kind.any | Kind.data),
    );
  };

  it.each([
    ['data', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ['data:3', [1, 2, 3]],
    ['data:5-7', [5, 6, 7]],
    ['nth:10', [10]],
    ['nth:2-3', [2, 3]],
    ['every:5', [5, 10]],
    ['any:1', [1]],
    ['in:data', []],
    ['syn', []],
  ])('%s drops %j', (text, wanted) => {
    expect(dropped(text)).toEqual(wanted);
  });

  it('drops a share of the packets', () => {
    const rule = DropRule.parse('data:25%');
    const random = new SeededRandom(1);
    for (let i = 0; i < 4000; i++) rule.drops('out', Kind.data, random);
    expect(rule.seen).toBe(4000);
    expect(rule.dropped).toBeGreaterThan(800);
    expect(rule.dropped).toBeLessThan(1200);
  });

  const built = {
    4: buildPacket({ version: 4 }),
    6: buildPacket({ version: 6 }),
  };
  it.each<[string, boolean, boolean]>([
    ['@:PORT', true, true],
    ['@:9', false, false],
    ['@SOURCE4', true, false],
    ['@SOURCE4:PORT', true, false],
    ['@SOURCE4:9', false, false],
    ['@0.0.0.0/0', true, false],
    ['@::/0', false, true],
    ['@[SOURCE6]:PORT', false, true],
    ['@SOURCE6', false, true],
    ['@[SOURCE6]/64', false, true],
    ['@192.0.2.77', false, false],
  ])('any%s matches over IPv4: %s, over IPv6: %s', (text, over4, over6) => {
    const source = (version: 4 | 6): string => {
      const view = new DataView(built[version].buffer, built[version].byteOffset);
      const word = (at: number): number => view.getInt32(at);
      return version === 4
        ? Address.v4(word(12)).toString()
        : Address.fromWords(word(8), word(12), word(16), word(20)).toString();
    };
    const port = (built[4][22]! << 8) | built[4][23]!;
    const { end } = DropRule.parse(
      `any${text
        .replace('SOURCE4', source(4))
        .replace('SOURCE6', source(6))
        .replace('PORT', String(port))}`,
    );
    const matches = (bytes: Uint8Array): boolean => end!.matches(new Slab(bytes), 0, bytes.length);
    expect([matches(built[4]), matches(built[6])]).toEqual([over4, over6]);
    // A truncated packet must not match by bytes that it does not contain.
    for (const bytes of Object.values(built))
      for (let n = 0; n < bytes.length; n++) end!.matches(new Slab(bytes.subarray(0, n)), 0, n);
  });

  it.each(['any@', 'any@:0', 'any@:65536', 'any@1.2.3', 'any@[::1', 'any:101%', 'any@1.2.3.4/33'])(
    'refuses %s',
    (text) => {
      expect(() => DropRule.parse(text)).toThrow(LinkOptionError);
    },
  );

  it('counts each packet of its kind, in both directions', () => {
    const rule = DropRule.parse('data:2');
    expect(['in', 'out', 'in'].map((side) => rule.drops(side as 'in' | 'out', Kind.data))).toEqual([
      true,
      true,
      false,
    ]);
    expect([rule.seen, rule.dropped]).toEqual([3, 2]);
  });
});

describe('kindOf', () => {
  const kinds = (bytes: Uint8Array): string =>
    Object.entries(Kind)
      .filter(([, bit]) => (kindOf(new Slab(bytes), 0, bytes.length) & bit) !== 0)
      .map(([name]) => name)
      .join(' ');
  const { SYN, ACK, FIN, RST, PSH } = TcpFlag;

  it.each([4, 6] as const)('knows the kinds over IPv%d', (version) => {
    const tcp = (flags: number, bytes = 0): string =>
      kinds(buildPacket({ version, flags, payload: pattern(bytes) }));
    expect(tcp(SYN)).toBe('any syn');
    expect(tcp(SYN | ACK)).toBe('any syn-ack');
    expect(tcp(ACK)).toBe('any ack');
    expect(tcp(ACK | PSH, 10)).toBe('any data');
    expect(tcp(ACK | FIN)).toBe('any fin');
    expect(tcp(ACK | FIN, 10)).toBe('any fin data');
    expect(tcp(RST | ACK)).toBe('any rst');
    expect(kinds(buildPacket({ version, protocol: 17 }))).toBe('any udp');
    expect(kinds(buildPacket({ version, protocol: version === 4 ? 1 : 58 }))).toBe('any icmp');
  });

  it('gives fragments and truncated packets no kind but `any`', () => {
    const fragment = buildPacket({ version: 4 });
    fragment[7] = 1;
    expect(kinds(fragment)).toBe('any');
    for (const cut of [0, 1, 19, 25, 39])
      expect(kinds(buildPacket({ version: 4 }).slice(0, cut))).toBe('any');
    expect(kinds(buildPacket({ version: 6 }).slice(0, 59))).toBe('any');
  });
});
