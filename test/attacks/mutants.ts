/** One line each that takes a defence away, as test/requirements/mutants.ts has for RFC 9293. */
import type { Mutant } from '../requirements/mutants.js';

const m = (
  id: string,
  file: string,
  search: string,
  replace: string,
  test: string,
  name = `${id.split(', ')[0]}\\b`,
): Mutant => ({ id, file, search, replace, test, name });

const COOKIE = 'src/stack/tcp/syn-cookie.ts';
const SYN_QUEUE = 'src/stack/tcp/admission.ts';
const TUPLE = 'src/stack/tuple.ts';
const INPUT = 'src/tcp/input.ts';
const OUT_OF_ORDER = 'src/tcp/receive/out-of-order.ts';
const REASSEMBLY = 'src/ip/reassembly.ts';

const FLOOD = 'test/attacks/syn-flood.test.ts';
const COOKIES = 'test/stack/tcp/syn-cookie.test.ts';
const CHALLENGE = 'test/attacks/challenge-ack.test.ts';
const ICMP = 'test/attacks/icmp.test.ts';
const TIME_WAIT = 'test/attacks/time-wait.test.ts';
const UNPREDICTABLE = 'test/attacks/unpredictable.test.ts';
const TINY = 'test/attacks/tiny-segments.test.ts';
const PIECES = 'test/tcp/receive/out-of-order.test.ts';
const FRAGMENTS = 'test/attacks/fragments.test.ts';
const [PATH_MTU, PATH_MTU_CACHE] = ['test/stack/path-mtu.test.ts', 'test/ip/path-mtu.test.ts'] as const;

export const ATTACK_MUTANTS: readonly Mutant[] = [
  m(
    'ATK-1',
    SYN_QUEUE,
    'if (full !== Drop.none || (synCookies === 2 && before === null))',
    'if (synCookies === 2)',
    FLOOD,
  ),
  m('ATK-2', COOKIE, 'syn.sackPermitted = (echo & SACK_BIT) !== 0;', '', FLOOD),
  m('ATK-2', COOKIE, 'syn.wscale = wscale === WSCALE_MASK ? ABSENT : wscale;', '', FLOOD),
  m('ATK-2', COOKIE, 'while (index > 0 && table[index]! > mss) index--;', '', FLOOD, 'ATK-2: has the largest'),
  m('ATK-3', TUPLE, 'w[8] = this.ports;', '', COOKIES),
  m('ATK-3', COOKIE, 'w[IRS] = irs;', '', COOKIES),
  m('ATK-3', TUPLE, 'w[7] = remote.w3;', '', COOKIES),
  m('ATK-4', COOKIE, 'w[PERIOD_NUMBER] = period;', '', COOKIES, 'ATK-4: lives'),
  m('ATK-4', COOKIE, 'const MAX_AGE = 2;', 'const MAX_AGE = 1;', COOKIES, 'ATK-4: lives'),
  m(
    'ATK-4',
    COOKIE,
    'this.keyNumber = number;',
    'this.keyNumber = number; this.current = this.previous;',
    COOKIES,
    'ATK-4: is made',
  ),
  m('ATK-5', SYN_QUEUE, 'now >= listener.cookieUntil || ', '', FLOOD),
  m('ATK-6', SYN_QUEUE, 'if (queue.isSynQueueFull || reserved)', 'if (reserved)', FLOOD, 'ATK-6: is answered'),
  m('ATK-6', SYN_QUEUE, 'if (halfOpen.size >= config.maxHalfOpen)', 'if (false)', FLOOD, 'ATK-6: the stack'),
  m('ATK-6', SYN_QUEUE, '>= config.maxHalfOpenPerHost)', '< 0)', FLOOD, 'ATK-6: one host'),
  m('ATK-6', 'src/stack/tcp/half-open.ts', 'this.size--;', '', FLOOD, 'ATK-6: every'),
  m('ATK-7', INPUT, 'if (!isExactReset(c, seg)) {', 'if (false) {', CHALLENGE),
  m('ATK-8', INPUT, 'c.env.counters.TcpExtTCPSYNChallenge++;', "c.finish('ECONNRESET', '', now);", CHALLENGE),
  m(
    'ATK-9',
    INPUT,
    'seqLt(seg.ack, seqAdd(snd.una, -Math.min(snd.maxWnd, c.stats.bytesAcked)))',
    'false',
    CHALLENGE,
    'ATK-9: data',
  ),
  m('ATK-9', INPUT, 'Math.min(snd.maxWnd, c.stats.bytesAcked)', 'snd.maxWnd', CHALLENGE, 'ATK-9: not even'),
  m(
    'ATK-10',
    INPUT,
    'if (now - c.lastChallengeAt < c.config.challengeAckInterval) {',
    'if (false) {',
    CHALLENGE,
    'ATK-10: one',
  ),
  m(
    'ATK-10',
    INPUT,
    "if (!isThrottled(c, 'TcpExtTCPACKSkippedSynRecv', now)) c.synOwed = true;",
    'c.synOwed = true;',
    CHALLENGE,
    'ATK-10: .*SYN-RECEIVED',
  ),
  m(
    'ATK-10',
    'src/stack/tcp/passive.ts',
    '!timeWait.mayAnswer(row, o.config.challengeAckInterval, now)',
    'false',
    CHALLENGE,
    'ATK-10: .*TIME-WAIT',
  ),
  m(
    'ATK-11',
    INPUT,
    'if (now - c.lastChallengeAt < c.config.challengeAckInterval) {',
    'if (false) {',
    CHALLENGE,
    'ATK-11: learns',
  ),
  m('ATK-11', 'src/tcp/challenge.ts', 'Math.floor(this.random.float() * this.limit)', '0', CHALLENGE, 'ATK-11: learns'),
  m(
    'ATK-12',
    'src/tcp/send/path-mtu.ts',
    'if (seqGeq(seq, c.snd.una) && seqLt(seq, c.snd.nxt)) return true;',
    'return true;',
    ICMP,
  ),
  m('ATK-13', 'src/tcp/icmp.ts', 'if (c.isOpening && endsOpening(c, e)) {', 'if (endsOpening(c, e)) {', ICMP),
  m('ATK-14', 'src/tcp/time-wait.ts', '!old && !rfc1337 ?', '!old ?', TIME_WAIT),
  m('ATK-15', 'src/stack/tcp/isn.ts', 'this.sip.hash(w, WORDS);', '', UNPREDICTABLE, 'ATK-15: are spread'),
  m(
    'ATK-15',
    'src/stack/tcp/connections.ts',
    'tsOffset: this.keyed.hi,',
    'tsOffset: 0,',
    UNPREDICTABLE,
    'ATK-15: nor do',
  ),
  m(
    'ATK-16',
    'src/stack/tcp/ports.ts',
    'const slot = counter & (COUNTERS - 1);',
    'const slot = 0 * counter;',
    UNPREDICTABLE,
    'ATK-16: to one',
  ),
  m(
    'ATK-16',
    'src/stack/tcp/connections.ts',
    'this.ports.pick(keyed.lo, keyed.hi, isFree)',
    'this.ports.pick(0, 0, isFree)',
    UNPREDICTABLE,
    'ATK-16: to places',
  ),
  m('ATK-17', OUT_OF_ORDER, 'if (!this.makeRoom(start)) return -1;', '', PIECES, 'ATK-17: costs'),
  m('ATK-17', OUT_OF_ORDER, 'for (const block of this.blocks) this.collapse(block);', ';', PIECES, 'ATK-17: joins'),
  m('ATK-17', OUT_OF_ORDER, 'if (seqLeq(last.left, start)) break;', 'break;', PIECES, 'ATK-17: gives'),
  m(
    'ATK-17',
    'src/tcp/receive/receive-queue.ts',
    'if (bytes.length <= SMALL_BYTES && this.last !== null)',
    'if (false)',
    PIECES,
    'ATK-17: that is',
  ),
  m('ATK-18', REASSEMBLY, "if (verdict === 'overlap' || ", 'if (', FRAGMENTS),
  m('ATK-19', REASSEMBLY, 'if (isTiny(h)) return', 'if (false) return', FRAGMENTS, 'ATK-19: (a first|one at)'),
  m(
    'ATK-19',
    REASSEMBLY,
    'if (isTiny(h)) return',
    'if (h.version === 4 && isTiny(h)) return',
    'test/ip/reassembly.test.ts',
    'ATK-19: has none',
  ),
  m('ATK-20', 'src/tcp/send/segment-size.ts', ', MIN_SEND_MSS)', ', 1)', 'test/attacks/tiny-mss.test.ts'),
  m('ATK-21', 'src/stack/tcp/connections.ts', 'if (this.timeWait.isHostFull(e.remote))', 'if (false)', TIME_WAIT),
  m(
    'ATK-22',
    REASSEMBLY,
    'if (this.perSource.of(source) >= this.limits.datagramsPerSource)',
    'if (false)',
    'test/ip/reassembly.test.ts',
    'ATK-22: of datagrams of one',
  ),
  m(
    'ATK-22',
    REASSEMBLY,
    'this.memory <= this.limits.bytes && this.partials.size <= this.limits.datagrams',
    'true',
    'test/ip/reassembly.test.ts',
    'ATK-22: of datagrams: ',
  ),
  m(
    'ATK-23',
    'src/stack/tcp/listen.ts',
    'if (2 * size <= Math.max(MIN_QUEUE, this.backlog)) return most;',
    'return most;',
    FLOOD,
  ),
  m(
    'ATK-24',
    'src/stack/tcp/host.ts',
    'else if (quotesFlight(entry.conn, e.seq))',
    'else',
    PATH_MTU,
    'ATK-24: changes',
  ),
  m('ATK-24', 'src/ip/path-mtu.ts', 'if (reported >= packetBytes) return 0;', '', PATH_MTU_CACHE, 'ATK-24: does not'),
  m('ATK-24', 'src/ip/path-mtu.ts', ', before);', ', 65_535);', PATH_MTU_CACHE, 'ATK-24: never'),
  m('ATK-24', 'src/ip/path-mtu.ts', 'Math.max(said, least)', 'said', PATH_MTU, 'ATK-24: is not'),
  m(
    'ATK-24',
    'src/ip/path-mtu.ts',
    'if (version === 6 && reported < MIN_MTU_6) return 0;',
    '',
    PATH_MTU,
    'ATK-24: cannot',
  ),
  m(
    'ATK-25',
    INPUT,
    'if (rcv.isAcceptable(seg.seq, seg.len)) return true;',
    'if (rcv.isAcceptable(seg.seq, seg.len)) { noteTimestamp(c, seg, now); return true; }',
    CHALLENGE,
  ),
  m('ATK-26', 'src/tcp/output.ts', 'snd.hasManyRecords || mustPace', 'mustPace', TINY, 'ATK-26: an MSS'),
  m('ATK-26', 'src/tcp/recovery/sack.ts', 'if (!c.snd.hasManyRecords) return', 'return', TINY, 'ATK-26: nor'),
  m('ATK-26', 'src/tcp/connection.ts', ' + snd.sent.memory', '', TINY, 'ATK-26: an MSS'),
];
