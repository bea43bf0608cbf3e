import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Action,
  Call,
  IcmpAction,
  PacketAction,
  ScriptEvent,
  TcpOptionSpec,
} from '../../../src/lab/script/ast.js';
import { parseScript } from '../../../src/lab/script/parse.js';
import { ScriptSyntaxError } from '../../../src/lab/script/scanner.js';

const parse = (
  text: string,
  defines: Record<string, string> = {},
): ReturnType<typeof parseScript> =>
  parseScript('t.pkt', text, { defines: new Map(Object.entries(defines)) });
const event = (text: string): ScriptEvent => parse(text).events[0]!;
/** The action of the one event in `text`, which stands at time 0. */
const action = (text: string): Action => event(`0 ${text}`).action;
const packet = (text: string): PacketAction => action(text) as PacketAction;
const call = (text: string, defines: Record<string, string> = {}): Call =>
  parse(`0 ${text}`, defines).events[0]!.action as Call;
const optionsOf = (text: string): readonly TcpOptionSpec[] | null =>
  packet(`> . 1:1(0) ack 1 ${text}`).options;

describe('the frame of a script', () => {
  it('options, the first command, events, the last command', () => {
    const s = parse(
      '--tolerance_usecs=9000\n--strict\n`./defaults.sh`\n0 socket(..., SOCK_STREAM, 0) = 3\n' +
        '+0 close(3) = 0\n`rm all`\n',
    );
    expect(s.options.map((o) => [o.name, o.value])).toEqual([
      ['tolerance_usecs', '9000'],
      ['strict', ''],
    ]);
    expect(s.init).toMatchObject({
      type: 'command',
      text: './defaults.sh',
      place: { line: 3, column: 1 },
    });
    expect(s.events).toHaveLength(2);
    expect(s.cleanup).toMatchObject({ text: 'rm all', place: { line: 6, column: 1 } });
  });

  it('comments of both kinds may stand wherever blanks may', () => {
    const s = parse(
      '// one\n/* two\n lines */ 0 /* here */ < S /* and */ 0:0(0) win 1 // to the end\n+1 ' +
        'close(3 /* ! */) = 0',
    );
    expect(s.events.map((e) => e.place.line)).toEqual([3, 4]);
  });

  it('keeps the lines, for messages to quote', () => {
    expect(parse('// a\n0 close(3) = 0').lines).toEqual(['// a', '0 close(3) = 0']);
  });

  it('every event and its action have a line and a column', () => {
    const [first, second] = parse('0   close(3) = 0\n  +.1 < S 0:0(0) win 1').events;
    expect([first!.place, first!.action.place]).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 5 },
    ]);
    expect([second!.place, second!.action.place]).toEqual([
      { line: 2, column: 3 },
      { line: 2, column: 7 },
    ]);
  });

  it('a command may span lines and hold anything but a back-quote', () => {
    expect(action('`sysctl -q a=1\n  b="2 3"`')).toMatchObject({
      type: 'command',
      text: 'sysctl -q a=1\n  b="2 3"',
    });
  });

  it('code may span lines and hold braces', () => {
    expect(action('%{\nassert tcpi_rtt < {1}[0]\n}%')).toMatchObject({
      type: 'code',
      text: '\nassert tcpi_rtt < {1}[0]\n',
    });
  });
});

describe('times', () => {
  const when = (text: string): ScriptEvent['when'] =>
    parse(`0 close(3) = 0\n${text} > . 1:1(0) ack 1`).events[1]!.when;

  it.each([
    ['2', { kind: 'at', relative: false, at: 2_000_000 }],
    ['1.5', { kind: 'at', relative: false, at: 1_500_000 }],
    ['.1', { kind: 'at', relative: false, at: 100_000 }],
    ['+.002', { kind: 'at', relative: true, at: 2000 }],
    ['+0', { kind: 'at', relative: true, at: 0 }],
    ['0.000001', { kind: 'at', relative: false, at: 1 }],
    ['1~2.5', { kind: 'between', relative: false, from: 1_000_000, to: 2_500_000 }],
    ['+.1~+.2', { kind: 'between', relative: true, from: 100_000, to: 200_000 }],
    ['*', { kind: 'any' }],
  ])('%s', (text, expected) => {
    expect(when(text)).toEqual(expected);
  });

  it.each(['+0...0.2', '0.0...0.2', '0....2'])(
    'a call that blocks, and when it returns: %s',
    (text) => {
      const e = event(`${text} accept(3, ..., ...) = 4`);
      expect([e.when, (e.action as Call).end]).toEqual([
        expect.objectContaining({ at: 0 }),
        200_000,
      ]);
    },
  );
});

describe('packets', () => {
  it('may have all fields', () => {
    expect(
      packet(
        '< [ect0, ttl 64] 4000 > 8080 PU. 1001:1011(10) ack 0x10 win 257 urg 5 <nop,nop,TS ' +
          'val 7 ecr 9>',
      ),
    ).toEqual({
      type: 'packet',
      place: { line: 1, column: 3 },
      way: 'in',
      ip: { ecn: 'ect0', tos: null, ttl: 64, flowLabel: null },
      ports: { source: 4000, destination: 8080 },
      flags: 'PU.',
      seq: 1001,
      bytes: 10,
      ack: 16,
      window: 257,
      urgent: 5,
      options: [{ kind: 'nop' }, { kind: 'nop' }, { kind: 'TS', val: 7, ecr: 9 }],
    });
  });

  it('missing fields are null, and missing options an empty list', () => {
    expect(packet('> . 1:1(0)')).toMatchObject({
      way: 'out',
      ip: { ecn: null, tos: null, ttl: null, flowLabel: null },
      ports: null,
      ack: null,
      window: null,
      urgent: null,
      options: [],
    });
  });

  it('inject and expect are other words for < and >', () => {
    expect([packet('inject S 0:0(0) win 1').way, packet('expect S. 0:0(0) ack 1').way]).toEqual([
      'in',
      'out',
    ]);
  });

  it.each(['S', 'S.', 'F.', 'P.', 'R', 'R.', '.', 'SEW', 'SE.', 'SEWA', 'FP.', 'U.'])(
    'flags %s',
    (flags) => {
      expect(packet(`< ${flags} 0:0(0) win 1`).flags).toBe(flags);
    },
  );

  it('- stands for no flags; an incoming segment may have an acknowledgment number all the same', () => {
    expect(packet('< - 0:0(0) win 1').flags).toBe('');
    expect(packet('< - 1:1001(1000) ack 1')).toMatchObject({ flags: '', ack: 1, bytes: 1000 });
  });

  it.each(['noecn', 'ect0', 'ect1', 'ect01', 'ce'] as const)(
    'ECN %s in both kinds of brackets',
    (ecn) => {
      expect([packet(`> [${ecn}] . 1:1(0)`).ip.ecn, packet(`> (${ecn}) . 1:1(0)`).ip.ecn]).toEqual([
        ecn,
        ecn,
      ]);
    },
  );

  it('the type of service and the flow label', () => {
    expect(packet('> [tos 0x10,flowlabel 0xabcde] . 1:1(0) ack 1').ip).toMatchObject({
      tos: 16,
      flowLabel: 0xabcde,
    });
  });

  it('sequence numbers as 1:11(10) and 1(10), around 2^32 too', () => {
    expect([
      packet('< . 1:11(10)'),
      packet('< . 1(10)'),
      packet('< . 4294967290:4(10)'),
    ]).toMatchObject([
      { seq: 1, bytes: 10 },
      { seq: 1, bytes: 10 },
      { seq: 4_294_967_290, bytes: 10 },
    ]);
  });

  it('options of every kind, with and without blanks', () => {
    expect(optionsOf('<mss 1460,nop,eol,wscale 8,sackOK,sack 1:2 3:4,FO 0102Ab,FOEXP,FO>')).toEqual(
      [
        { kind: 'mss', value: 1460 },
        { kind: 'nop' },
        { kind: 'eol' },
        { kind: 'wscale', value: 8 },
        { kind: 'sackOK' },
        {
          kind: 'sack',
          blocks: [
            [1, 2],
            [3, 4],
          ],
        },
        { kind: 'FO', cookie: '0102ab' },
        { kind: 'FOEXP', cookie: '' },
        { kind: 'FO', cookie: '' },
      ],
    );
    const digest = '00112233445566778899aabbccddeeff';
    expect(optionsOf(`<TS val 1 ecr 2,md5 ${digest.toUpperCase()}>`)).toEqual([
      { kind: 'TS', val: 1, ecr: 2 },
      { kind: 'md5', digest },
    ]);
    expect(optionsOf('<ECN e1b 1 ceb 0 e0b 16777215,ECN e0b 7>')).toEqual([
      {
        kind: 'ECN',
        counts: [
          ['e1b', 1],
          ['ceb', 0],
          ['e0b', 16_777_215],
        ],
      },
      { kind: 'ECN', counts: [['e0b', 7]] },
    ]);
    expect(optionsOf('<  mss 1460 ,  nop  >')).toEqual(optionsOf('<mss 1460,nop>'));
  });

  it('<> means no options, <...> any options', () => {
    expect([optionsOf('<>'), optionsOf('<...>')]).toEqual([[], null]);
  });

  it('an event that begins with < after one that ends without options is an event of its own', () => {
    const [out, back] = parse('0 > . 1:1(0) ack 1\n+0 < . 1:1(0) ack 1 win 1').events;
    expect([(out!.action as PacketAction).options, (back!.action as PacketAction).way]).toEqual([
      [],
      'in',
    ]);
  });
});

describe('ICMP', () => {
  it.each<[string, Partial<IcmpAction>]>([
    [
      '< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]',
      { code: 'frag_needed', mtu: 1200, quoted: { seq: 1, bytes: 1460 } },
    ],
    [
      '< icmp unreachable host_unreachable [1:1(0)]',
      { icmpType: 'unreachable', code: 'host_unreachable', mtu: null },
    ],
    ['< icmp unreachable 3', { icmpType: 'unreachable', code: '3', quoted: null }],
    ['< icmp packet_too_big mtu 1300', { icmpType: 'packet_too_big', code: '', mtu: 1300 }],
    [
      '< icmp time_exceeded [5:6(1)]',
      { icmpType: 'time_exceeded', code: '', quoted: { seq: 5, bytes: 1 } },
    ],
  ])('%s', (text, expected) => {
    expect(action(text)).toMatchObject({ type: 'icmp', way: 'in', ...expected });
  });
});

it.each(['*', '+0~+1', '1~2'])('an ICMP message may be expected %s', (when) => {
  const [, e] = parse(`0 close(3) = 0\n${when} > icmp unreachable port_unreachable`).events;
  expect(e!.action).toMatchObject({ type: 'icmp', way: 'out' });
});

describe('system calls', () => {
  it('numbers, names, strings, or, and ...', () => {
    expect(call('f(3, F_SETFL, O_RDWR|O_NONBLOCK, -1, 0x1F, "a\\n" "b", ...) = 0')).toMatchObject({
      type: 'call',
      name: 'f',
      end: null,
      args: [
        { kind: 'number', value: 3 },
        { kind: 'symbol', name: 'F_SETFL' },
        {
          kind: 'or',
          parts: [
            { kind: 'symbol', name: 'O_RDWR' },
            { kind: 'symbol', name: 'O_NONBLOCK' },
          ],
        },
        { kind: 'number', value: -1 },
        { kind: 'number', value: 31 },
        { kind: 'string', value: 'a\nb' },
        { kind: 'any' },
      ],
      result: { kind: 'number', value: 0 },
      errno: '',
    });
  });

  it('a result with errno and its note', () => {
    expect(call('connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)')).toMatchObject(
      {
        result: { kind: 'number', value: -1 },
        errno: 'EINPROGRESS',
      },
    );
    expect(call('read(4, ..., 1) = -1 EAGAIN').errno).toBe('EAGAIN');
  });

  it('without arguments, and with ... as result', () => {
    expect(call('pause() = ...')).toMatchObject({ args: [], result: { kind: 'any' } });
  });

  it('values in memory', () => {
    expect(call('setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0').args[3]).toEqual({
      kind: 'list',
      items: [{ kind: 'number', value: 1 }],
    });
    expect(call('f([]) = 0').args[0]).toEqual({ kind: 'list', items: [] });
  });

  it('structures: named fields, fields with a size, bare values', () => {
    expect(call('poll([{fd=4, events=POLLOUT, revents=...}], 1, 0) = 1').args[0]).toEqual({
      kind: 'list',
      items: [
        {
          kind: 'struct',
          fields: [
            { name: 'fd', value: { kind: 'number', value: 4 } },
            {
              name: 'events',
              value: { kind: 'symbol', name: 'POLLOUT', place: { line: 1, column: 23 } },
            },
            { name: 'revents', value: { kind: 'any' } },
          ],
        },
      ],
    });
    expect(
      call('sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, 0) = 100')
        .args[1],
    ).toEqual({
      kind: 'struct',
      fields: [
        { name: 'msg_name', value: { kind: 'any' } },
        {
          name: 'msg_iov',
          count: 1,
          value: {
            kind: 'list',
            items: [
              {
                kind: 'struct',
                fields: [
                  { name: '', value: { kind: 'any' } },
                  { name: '', value: { kind: 'number', value: 100 } },
                ],
              },
            ],
          },
        },
        { name: 'msg_flags', value: { kind: 'number', value: 0 } },
      ],
    });
  });

  it('functions of addresses, with and without a dot before the field', () => {
    const fields = [
      {
        name: 'sin_port',
        value: { kind: 'apply', name: 'htons', args: [{ kind: 'number', value: 8080 }] },
      },
      {
        name: 'sin_addr',
        value: { kind: 'apply', name: 'inet_addr', args: [{ kind: 'string', value: '192.0.2.1' }] },
      },
    ];
    const address = (dot: string): unknown =>
      call(`bind(3, {${dot}sin_port=htons(8080), ${dot}sin_addr=inet_addr("192.0.2.1")}, 16) = 0`)
        .args[1];
    expect([address(''), address('.')]).toEqual([
      { kind: 'struct', fields },
      { kind: 'struct', fields },
    ]);
  });

  it('-D names: numbers become numbers, everything else text', () => {
    const { args } = call('f(SIZE, HEX, WHO, OTHER) = SIZE', {
      SIZE: '-7',
      HEX: '0xff',
      WHO: 'reno',
    });
    expect(args).toMatchObject([
      { kind: 'number', value: -7 },
      { kind: 'number', value: 255 },
      { kind: 'string', value: 'reno' },
      { kind: 'symbol', name: 'OTHER' },
    ]);
  });

  it('-D is text: flags, an errno, parts of packets and times, commands and code', () => {
    const defines = {
      FL: 'O_RDWR|O_NONBLOCK',
      ERR: 'EAGAIN',
      LEN: '100',
      OPT: 'nop,nop',
      AT: '.5',
      V: '0',
    };
    const s = parse(
      '`sysctl -q net.ipv4.tcp_sack=V; echo $V "V"`\n0 f(3, FL) = -1 ERR // LEN\n' +
        '+AT < P. 1:101(LEN) ack 1 <OPT>\n+0 %{ assert LEN == 100, "LEN" # LEN\n}%',
      defines,
    );
    expect(s.init?.text).toBe('sysctl -q net.ipv4.tcp_sack=0; echo $V "0"');
    expect(s.events).toMatchObject([
      { action: { args: [{ value: 3 }, { kind: 'or' }], errno: 'EAGAIN' } },
      {
        when: { at: 500_000 },
        action: { bytes: 100, options: [{ kind: 'nop' }, { kind: 'nop' }] },
      },
      { action: { text: ' assert 100 == 100, "LEN" # LEN\n' } },
    ]);
  });

  it('-D: errors give the place and the line as written', () => {
    const text = '0 f(LONG, LONG) = 0\n+0 f(LONG) x';
    const parsing = (): unknown => parse(text, { LONG: '123456789' });
    expect(parsing).toThrow(
      /^t\.pkt:2:12: expected '=' .*, found 'x'\n {4}\+0 f\(LONG\) x\n {15}\^$/,
    );
  });
});

describe('errors say where, what was found and what was expected', () => {
  const error = (text: string): string => {
    try {
      parse(text);
    } catch (e) {
      if (e instanceof ScriptSyntaxError) return e.message;
      throw e;
    }
    return 'no error';
  };

  it.each([
    ['', 't.pkt:1:1: expected an event'],
    ['\n\n', 't.pkt:3:1: expected an event'],
    [
      'x close(3) = 0',
      "t.pkt:1:1: expected the time of the next event, for example +0, 1.5 or *, found 'x'",
    ],
    ['1 close(3) = 0', 't.pkt:1:1: the first event must be at time 0'],
    ['* > . 1:1(0) ack 1', 't.pkt:1:1: the first event must be at time 0'],
    [
      '0 close(3) = 0\n* < . 1:1(0) ack 1',
      "t.pkt:2:1: '*' is allowed for expected packets (>) only",
    ],
    [
      '0 close(3) = 0\n1~2 close(3) = 0',
      't.pkt:2:1: a range of times is allowed for expected packets (>) only',
    ],
    [
      '0 close(3) = 0\n1~+2 > . 1:1(0)',
      't.pkt:2:3: both ends of a range of times must have the same form',
    ],
    [
      '0 close(3) = 0\n2~1 > . 1:1(0)',
      't.pkt:2:3: the end of a range of times must not be before its start',
    ],
    ['0 close(3) = 0\n+ > . 1:1(0)', "t.pkt:2:3: expected a time in seconds, found '>'"],
    [
      '0 < X 1:1(0)',
      't.pkt:1:5: expected the flags of a TCP segment (letters S F R P U E W A, . for ACK, 0 ' +
        "to 7 for ACE, - for none) or icmp, found 'X'",
    ],
    ['0 < . 1:12(10)', 't.pkt:1:7: 1:12(10): 1 and 10 bytes make 11, not 12'],
    ['0 < . 1-12', "t.pkt:1:7: expected sequence numbers, for example 1:1001(1000), found '1-12'"],
    ['0 < . 1:1(0) ack x', "t.pkt:1:18: expected an acknowledgment number, found 'x'"],
    [
      '0 < . 1:70001(70000)',
      't.pkt:1:7: 70000 bytes do not fit into an IP packet; with these options the most is 65495',
    ],
    [
      '0 < . 1:65494(65493) <nop>',
      't.pkt:1:7: 65493 bytes do not fit into an IP packet; with these options the most is 65491',
    ],
    [
      '0 < . 1:9007199254740001(9007199254740000)',
      "t.pkt:1:7: expected a length below 2^32, found '9007199254740000'",
    ],
    [
      '0 < icmp unreachable 1 [1:70001(70000)]',
      't.pkt:1:25: 70000 bytes do not fit into an IP packet',
    ],
    [
      '0 < . 1:1(0) <sack 1:2 3:4 5:6 7:8 9:10>',
      't.pkt:1:15: these options take 44 bytes, but a header has room for 40 only',
    ],
    [
      '0 < . 1:1(0) <sack 1:4294967296>',
      't.pkt:1:22: expected the right edge of a SACK block from 0 to 4294967295',
    ],
    [
      '0 < . 1:1(0) <FO abc>',
      "t.pkt:1:18: expected a cookie in hex, two digits a byte, found 'abc'",
    ],
    [
      '0 < . 1:1(0) <FO abxy>',
      "t.pkt:1:18: expected a cookie in hex, two digits a byte, found 'abxy'",
    ],
    [
      '0 < . 1:1(0) <md5 00>',
      't.pkt:1:19: expected a digest of 16 bytes, which are 32 digits in hex',
    ],
    ['0 < . 1:1(0) <ECN ceb 1>', 't.pkt:1:19: expected one to three counts, from the left'],
    ['0 < . 1:1(0) <ECN e0b 16777216>', 't.pkt:1:23: expected the count of e0b from 0 to 16777215'],
    ['0 < [ect01] . 1:1(0)', "t.pkt:1:3: 'ect01' is for expected packets only"],
    ['0 < 1 > 65536 . 1:1(0)', "t.pkt:1:5: expected ports from 0 to 65535, found '1 > 65536'"],
    [
      '0 write(4, ..., 99999999999999) = 1',
      "t.pkt:1:17: expected a number of 32 bits, found '99999999999999'",
    ],
    [
      '0 write(4, ..., -2147483649) = 1',
      "t.pkt:1:17: expected a number of 32 bits, found '-2147483649'",
    ],
    ['0 write(4, 10) = 10', 't.pkt:1:3: write() has 3 arguments, not 2'],
    ['0 fcntl(4) = 10', 't.pkt:1:3: fcntl() has 2 or 3 arguments, not 1'],
    ['0 < . 1:1(0) ack 1 win', 't.pkt:1:23: expected a window, found the end of the script'],
    ['0 < . 1:1(0) ack 1 urg z', "t.pkt:1:24: expected an urgent pointer, found 'z'"],
    ['0 < . 1:1(0) <mss>', "t.pkt:1:18: expected the value of mss, found '>'"],
    [
      '0 < . 1:1(0) <nop',
      "t.pkt:1:18: expected '>' after the TCP options, found the end of the script",
    ],
    ['0 < . 1:1(0) <nop nop>', "t.pkt:1:19: expected '>' after the TCP options, found 'nop>'"],
    ['0 < . 1:1(0) <what 1>', "t.pkt:1:15: the TCP option 'what' is not supported"],
    [
      '0 < . 1:1(0) <sack>',
      "t.pkt:1:19: expected SACK blocks, for example sack 1001:2001, found '>'",
    ],
    ['0 < . 1:1(0) <TS 1>', "t.pkt:1:18: expected 'val' after 'TS', found '1>'"],
    ['0 < . 1:1(0) <...', "t.pkt:1:18: expected '>' after '<...', found the end of the script"],
    [
      '0 < [ect2] . 1:1(0)',
      "t.pkt:1:6: expected noecn, ect0, ect1, ect01, ce, 'tos N', 'ttl N' or 'flowlabel N', " +
        "found 'ect2]'",
    ],
    ['0 < [ce . 1:1(0)', "t.pkt:1:9: expected ']' after the fields of the IP header, found '.'"],
    [
      '0 < . 1:1(0) ack 4294967296',
      "t.pkt:1:18: expected an acknowledgment number from 0 to 4294967295, found '4294967296'",
    ],
    [
      '0 < . 4294967296:0(0)',
      "t.pkt:1:7: expected a sequence number below 2^32, found '4294967296'",
    ],
    ['0 < . 1:1(0) win 65536', "t.pkt:1:18: expected a window from 0 to 65535, found '65536'"],
    ['0 < . 1:1(0) win -1', "t.pkt:1:18: expected a window from 0 to 65535, found '-1'"],
    [
      '0 < . 1:1(0) <mss 65536>',
      "t.pkt:1:19: expected the value of mss from 0 to 65535, found '65536'",
    ],
    [
      '0 < . 1:1(0) <wscale 256>',
      "t.pkt:1:22: expected the value of wscale from 0 to 255, found '256'",
    ],
    ['0 < [tos 256] . 1:1(0)', "t.pkt:1:10: expected a TOS byte from 0 to 255, found '256'"],
    ['0 < udp (10)', "t.pkt:1:5: 'udp' packets are not supported: TCP and ICMP are"],
    ['0 < icmp', 't.pkt:1:9: expected the type of an ICMP message'],
    [
      '0 < icmp unreachable 1 [1:1(0)',
      "t.pkt:1:31: expected ']' after the quoted sequence numbers",
    ],
    ['0 close', "t.pkt:1:8: expected '(' after 'close', found the end of the script"],
    ['0 close(3 = 0', "t.pkt:1:11: expected ')' or a comma, found '='"],
    [
      '0 close(3)',
      "t.pkt:1:11: expected '=' and the result of close(), found the end of the script",
    ],
    [
      '0 close(3) = ',
      't.pkt:1:14: expected a value: a number, a name, a string, [ ], { } or ..., found the ' +
        'end of the script',
    ],
    ['0 close(3) = -1 EPIPE (Broken', "t.pkt:1:23: expected ')' after the note"],
    ['0 f({a=1) = 0', "t.pkt:1:9: expected '}' or a comma, found ')'"],
    ['0 f([1) = 0', "t.pkt:1:7: expected ']' or a comma, found ')'"],
    ['0 f("a) = 0', 't.pkt:1:5: expected the end of this string'],
    ['0 `abc', 't.pkt:1:3: expected the closing back-quote of this command'],
    ['0 %{ assert 1', "t.pkt:1:3: expected '}%' at the end of this code"],
    [
      '0 close(3) = 0\n`x` 0 close(3) = 0',
      't.pkt:2:5: expected the end of the script after the clean-up command',
    ],
    ['0 /* close(3) = 0', 't.pkt:1:3: expected'],
  ])('%j', (text, expected) => {
    expect(error(text)).toContain(expected);
  });

  it('quotes the line and points at the place', () => {
    expect(error('0 close(3) = 0\n+0 < S. 0:0(0) <mss 1460,magic>')).toBe(
      [
        "t.pkt:2:26: the TCP option 'magic' is not supported",
        '    +0 < S. 0:0(0) <mss 1460,magic>',
        `    ${' '.repeat(25)}^`,
      ].join('\n'),
    );
  });
});

/** Parses any text. The result is a script, or an error with a place in the text. */
function isTotal(text: string): void {
  try {
    expect(parse(text).events.length).toBeGreaterThan(0);
  } catch (e) {
    if (!(e instanceof ScriptSyntaxError)) throw e;
    const lines = text.split('\n');
    expect(e.place.line).toBeLessThanOrEqual(lines.length);
    expect(e.place.column).toBeLessThanOrEqual(lines[e.place.line - 1]!.length + 1);
    expect(e.message).toContain(`t.pkt:${e.place.line}:${e.place.column}: `);
  }
}

describe('the parser is total', () => {
  const runs = { seed: 1, numRuns: 2000 };
  const whole =
    '--strict\n`./defaults.sh`\n0 socket(..., SOCK_STREAM, 0) = 3\n+0...0.2 poll([{fd=3, ' +
    'events=POLLIN}], 1, -1) = 1\n' +
    '+.1 < [ect0] P. 1:11(10) ack 1 win 257 <nop,nop,sack 1:2 3:4,TS val 1 ecr 2>\n' +
    '+.1~+.2 > S. 0:0(0) ack 1 <...>\n+0 < icmp unreachable frag_needed mtu 1200 [1:2(1)]\n' +
    '+0 %{ assert 1 }% // end\n';

  it('over any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), isTotal), runs);
  });

  it('over scripts with a piece cut out, doubled or moved', () => {
    const at = fc.nat(whole.length);
    fc.assert(
      fc.property(at, at, at, (a, b, c) => {
        isTotal(whole.slice(0, Math.min(a, b)) + whole.slice(Math.max(a, b)));
        isTotal(whole.slice(0, c) + whole.slice(Math.min(a, b), Math.max(a, b)) + whole.slice(c));
      }),
      runs,
    );
  });
});
