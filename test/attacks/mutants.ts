/** Each takes a defence away, as those of test/requirements/mutants.ts break rules of RFC 9293. */
import { inside, m, type Mutant } from '../requirements/mutants.js';

const FLOOD = 'test/attacks/syn-flood.test.ts';
const COOKIES = 'test/stack/tcp/syn-cookie.test.ts';
const CHALLENGE = 'test/attacks/challenge-ack.test.ts';
const ICMP = 'test/attacks/icmp.test.ts';
const TIME_WAIT = 'test/attacks/time-wait.test.ts';
const UNPREDICTABLE = 'test/attacks/unpredictable.test.ts';
const TINY = 'test/attacks/tiny-segments.test.ts';
const PIECES = 'test/tcp/receive/out-of-order.test.ts';
const FRAGMENTS = 'test/attacks/fragments.test.ts';
const [PATH_MTU, PATH_MTU_CACHE] = [
  'test/stack/path-mtu.test.ts',
  'test/ip/path-mtu.test.ts',
] as const;

export const ATTACK_MUTANTS: readonly Mutant[] = [
  m(
    'ATK-1',
    'if (full !== Drop.none || (synCookies === 2 && before === null))',
    'if (synCookies === 2)',
    FLOOD,
  ),
  m('ATK-2', 'syn.sackPermitted = (echo & SACK_BIT) !== 0;', '', FLOOD),
  m('ATK-2', 'syn.wscale = wscale === WSCALE_MASK ? ABSENT : wscale;', '', FLOOD),
  m('ATK-2', 'while (index > 0 && table[index]! > mss) index--;', '', FLOOD, 'ATK-2: gets'),
  // A fault of the past: cookies were made with the listener's settings, checked with the stack's.
  m(
    'ATK-2',
    inside('cookieArrives', 'const { config } = this.cookieSettings(listener, now);'),
    'const { config } = this.services;',
    FLOOD,
    'on at the listener, off in the stack',
  ),
  m('ATK-3', 'w[8] = this.ports;', '', COOKIES),
  m('ATK-3', 'w[IRS] = irs;', '', COOKIES),
  m('ATK-3', 'w[7] = remote.w3;', '', COOKIES),
  m('ATK-4', 'w[PERIOD_NUMBER] = period;', '', COOKIES, 'ATK-4: is valid'),
  m('ATK-4', 'const MAX_AGE = 2;', 'const MAX_AGE = 1;', COOKIES, 'ATK-4: is valid'),
  m(
    'ATK-4',
    'this.keyNumber = number;',
    'this.keyNumber = number; this.current = this.previous;',
    COOKIES,
    'ATK-4: is made',
  ),
  m('ATK-5', 'now >= listener.cookieUntil ||', '', FLOOD),
  m('ATK-6', 'if (queue.isSynQueueFull || reserved)', 'if (reserved)', FLOOD, 'ATK-6: answers'),
  m('ATK-6', 'if (halfOpen.size >= config.maxHalfOpen)', 'if (false)', FLOOD, 'ATK-6: the stack'),
  m('ATK-6', '>= config.maxHalfOpenPerHost)', '< 0)', FLOOD, 'ATK-6: one host'),
  m('ATK-6', inside('HalfOpen', 'this.size--;'), '', FLOOD, 'ATK-6: every'),
  m('ATK-7', 'if (!mayReset(c, seg)) {', 'if (false) {', CHALLENGE),
  m(
    'ATK-8',
    'c.env.counters.TcpExtTCPSYNChallenge++;',
    "c.finish('ECONNRESET', 'rst', now);",
    CHALLENGE,
  ),
  m(
    'ATK-9',
    'seqLt(seg.ack, seqAdd(snd.una, -Math.min(snd.maxWnd, c.stats.bytesAcked)))',
    'false',
    CHALLENGE,
    'ATK-9: data',
  ),
  m('ATK-9', 'Math.min(snd.maxWnd, c.stats.bytesAcked)', 'snd.maxWnd', CHALLENGE, 'ATK-9: even'),
  m(
    'ATK-10',
    'if (now - c.lastOowAckAt < c.config.challengeAckInterval) {',
    'if (false) {',
    CHALLENGE,
    'ATK-10: one',
  ),
  m(
    'ATK-10',
    "if (takeAnswerSlot(c, 'TcpExtTCPACKSkippedSynRecv', now)) c.owed.syn = true;",
    'c.owed.syn = true;',
    CHALLENGE,
    'ATK-10: .*SYN-RECEIVED',
  ),
  m(
    'ATK-10',
    '!timeWait.mayAnswer(row, services.config.challengeAckInterval, now)',
    'false',
    CHALLENGE,
    'ATK-10: .*TIME-WAIT',
  ),
  m(
    'ATK-11',
    'if (now - c.lastOowAckAt < c.config.challengeAckInterval) {',
    'if (false) {',
    CHALLENGE,
    'ATK-11: learns',
  ),
  m('ATK-11', 'Math.floor(this.random.float() * this.limit)', '0', CHALLENGE, 'ATK-11: learns'),
  m(
    'ATK-12',
    'if (seqGeq(seq, c.snd.una) && seqLt(seq, c.snd.nxt)) return true;',
    'return true;',
    ICMP,
  ),
  m('ATK-13', 'if (c.isOpening && endsOpening(c, e)) {', 'if (endsOpening(c, e)) {', ICMP),
  m('ATK-14', '!old && !rfc1337 ?', '!old ?', TIME_WAIT),
  m('ATK-15', 'this.sip.hash(w, WORDS);', '', UNPREDICTABLE, 'ATK-15: are'),
  m('ATK-15', 'tsOffset: this.keyed.hi,', 'tsOffset: 0,', UNPREDICTABLE, 'ATK-15: timestamps'),
  m(
    'ATK-16',
    'const slot = counter & (COUNTERS - 1);',
    'const slot = 0 * counter;',
    UNPREDICTABLE,
    'ATK-16: to one',
  ),
  m(
    'ATK-16',
    'this.ports.pick(keyed.lo, keyed.hi, isFree)',
    'this.ports.pick(0, 0, isFree)',
    UNPREDICTABLE,
    'ATK-16: to consecutive',
  ),
  m('ATK-17', 'if (!this.makeRoom(start)) return -1;', '', PIECES, 'ATK-17: costs'),
  m(
    'ATK-17',
    'for (const block of this.blocks) this.collapse(block);',
    ';',
    PIECES,
    'ATK-17: joins',
  ),
  m('ATK-17', 'if (seqLeq(last.left, start)) break;', 'break;', PIECES, 'ATK-17: evicts'),
  m(
    'ATK-17',
    'if (bytes.length <= SMALL_BYTES && this.last !== null)',
    'if (false)',
    PIECES,
    'ATK-17: data',
  ),
  m('ATK-18', "if (verdict === 'overlap' ||", 'if (', FRAGMENTS),
  m('ATK-19', 'if (isTiny(h)) return', 'if (false) return', FRAGMENTS, 'ATK-19: a'),
  m(
    'ATK-19',
    'if (isTiny(h)) return',
    'if (h.version === 4 && isTiny(h)) return',
    'test/ip/reassembly.test.ts',
    'ATK-19: has no fragment',
  ),
  m('ATK-20', inside('mssOf', ', TCP_MIN_SND_MSS)'), ', 1)', 'test/attacks/tiny-mss.test.ts'),
  m('ATK-21', 'if (this.timeWait.isHostFull(e.remote))', 'if (false)', TIME_WAIT),
  m(
    'ATK-22',
    'if (this.perSource.of(source) >= this.limits.datagramsPerSource)',
    'if (false)',
    'test/ip/reassembly.test.ts',
    'ATK-22: of datagrams of one',
  ),
  m(
    'ATK-22',
    'this.memory <= this.limits.bytes && this.partials.size <= this.limits.datagrams',
    'true',
    'test/ip/reassembly.test.ts',
    'ATK-22: of datagrams: ',
  ),
  m(
    'ATK-23',
    'if (2 * size <= Math.max(MIN_QUEUE, this.backlog)) return most;',
    'return most;',
    FLOOD,
  ),
  m('ATK-24', 'else if (quotesFlight(entry.conn, e.seq))', 'else', PATH_MTU, 'ATK-24: has'),
  m('ATK-24', 'if (reported >= packetBytes) return 0;', '', PATH_MTU_CACHE, 'ATK-24: does not'),
  m('ATK-24', inside('PathMtuCache', ', before);'), ', 65_535);', PATH_MTU_CACHE, 'ATK-24: never'),
  m('ATK-24', 'Math.max(said, least)', 'said', PATH_MTU, 'ATK-24: is not'),
  m(
    'ATK-24',
    'if (version === 6 && reported < MIN_MTU_6) return 0;',
    '',
    PATH_MTU,
    'ATK-24: is invalid',
  ),
  m(
    'ATK-25',
    'if (rcv.isAcceptable(seg.seq, seg.len)) return true;',
    'if (rcv.isAcceptable(seg.seq, seg.len)) { noteTimestamp(c, seg, now); return true; }',
    CHALLENGE,
  ),
  m('ATK-26', 'snd.hasManyRecords || mustPace', 'mustPace', TINY, 'ATK-26: with'),
  m('ATK-26', 'if (!snd.hasManyRecords) return', 'return', TINY, 'ATK-26: nor'),
  m('ATK-26', '+ snd.sent.memory', '', TINY, 'ATK-26: with'),
];
