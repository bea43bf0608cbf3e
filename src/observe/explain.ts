/**
 * Explains each step in sentences with the RFC's section. The stack's events say what it did. What
 * they leave open (why an ACK now?) follows from earlier steps.
 *
 * Nothing is guessed: if the events do not tell the reason, none is given.
 */
import { bytesText, durationText } from '../base/quantities.js';
import type { Micros } from '../base/time.js';
import type { Note } from '../tcp/notes.js';
import { causeText } from './cause-texts.js';
import type { ReceivedEvent, SegmentData, SentEvent, TraceEvent } from './events.js';
import { dropText } from './drop-texts.js';
import { linkText, noteText, timerExpiredText, timerSetText } from './event-texts.js';
import { segmentOf, type Step } from './steps.js';
import { ANSWER_TEXTS, FATE_TEXTS } from './stray-texts.js';
import { lossProof, windowText } from './window-texts.js';

/** State of a connection that explains its next steps. */
interface Past {
  /** The last segment received. */
  received: SegmentData | null;
  /** Notes and drops since the last segment was sent. They explain the next segment sent. */
  readonly owed: Set<Note['note'] | 'dropped'>;
  answered: boolean;
  /** What showed a loss, since the last segment was sent. */
  lossProof: string;
  /** The last interval of the retransmission timer, to recognize a backoff. */
  rtoUs: Micros;
}

const MAX_CONNECTIONS = 10_000;

export class Explainer {
  private readonly past = new Map<string, Past>();

  /** Returns the sentences for a step, causes first. Must be called for every step, in order. */
  why(step: Step): string[] {
    return this.sentences(step).map((text) => text.replaceAll(/ section (?=\d)/g, ' '));
  }

  /** Discards the state of all connections, because steps were left out. */
  forget(): void {
    this.past.clear();
  }

  private sentences(step: Step): string[] {
    const { main } = step;
    if (main === null) return step.causes.flatMap((event) => this.effect(event, step));
    switch (main.name) {
      case 'tcp:segment_received':
        return this.received(main, step);
      case 'tcp:segment_sent':
        return this.sent(main, step);
      case 'tcp:stray_received':
        return [`no connection for it: ${FATE_TEXTS[main.data.done]}`];
      case 'tcp:stray_sent':
        return [ANSWER_TEXTS[main.data.why]];
      case 'ip:packet_dropped':
        return [dropText(main.data.reason)];
      case 'link:dropped':
      case 'link:altered':
        return [linkText(main, 0)];
      case 'ip:datagram':
        return [];
      default:
        return main satisfies never;
    }
  }

  private pastOf(id: string): Past {
    let past = this.past.get(id);
    if (past === undefined) {
      past = { received: null, owed: new Set(), answered: false, lossProof: '', rtoUs: 0 };
      if (this.past.size >= MAX_CONNECTIONS) this.past.delete(this.past.keys().next().value!);
      this.past.set(id, past);
    }
    return past;
  }

  private received(main: ReceivedEvent, step: Step): string[] {
    const { segment } = main.data;
    // CLOSED: this begins a new connection on the same ports.
    if (main.data.state === 'CLOSED') this.past.delete(step.group_id);
    remember(this.pastOf(step.group_id), segment, step);
    const lines = checksumText(segment);
    if (segment.flags.includes('S')) {
      const after = segment.length === 0 ? 'comes next' : 'is its first byte of data';
      const next = (segment.seq + 1) >>> 0;
      lines.push(
        `its initial sequence number is ${segment.seq}; a SYN takes one number, so ${next} ` +
          `${after} (RFC 9293 3.4)`,
      );
    }
    lines.push(...cookieText(segment));
    if (segment.length > 0 && !segment.flags.includes('S') && inOrder(step)) {
      lines.push(textInOrder(main));
      if (segment.gsoSize > 0 && segment.length > segment.gsoSize) {
        lines.push(
          `one super-segment: it counts as ${Math.ceil(segment.length / segment.gsoSize)} segments`,
        );
      }
    }
    if (segment.flags.includes('F') && inOrder(step)) {
      lines.push(
        'FIN: the peer has sent all its data; the FIN takes one sequence number (RFC 9293 3.6)',
      );
    }
    lines.push(...step.effects.flatMap((event) => this.effect(event, step)));
    return lines;
  }

  private sent(main: SentEvent, step: Step): string[] {
    const { segment, again } = main.data;
    if (segment.flags === 'S' && !again) this.past.delete(step.group_id);
    const past = this.pastOf(step.group_id);
    past.answered = true;
    const lines = step.causes.flatMap((event) => this.effect(event, step));
    if (again) lines.push(this.whyAgain(step));
    lines.push(...this.whySent(segment, step), ...cookieText(segment));
    lines.push(...step.effects.flatMap((event) => this.effect(event, step)));
    for (const event of step.link) lines.push(linkText(event, segment.length));
    return lines;
  }

  private whyAgain(step: Step): string {
    if (expired(step, 'tlp'))
      return 'sent again as a probe: its ACK says what arrived (RFC 8985 7.3)';
    if (expired(step, 'reorder')) {
      const why = 'a later segment arrived, and the reordering window has passed';
      return `sent again: ${why} (RFC 8985 6.2)`;
    }
    if (expired(step, 'rto')) return 'sent again: no ACK came in time (RFC 9293 3.8.1)';
    const { received, lossProof } = this.pastOf(step.group_id);
    if (segmentOf(step)?.flags.startsWith('S.') === true && received !== null && isSyn(received))
      return 'sent again: the peer repeated its SYN, so our SYN,ACK may be lost';
    return `sent again: ${lossProof === '' ? 'considered lost' : lossProof}`;
  }

  /** Says what kind of segment it is. For a bare ACK: what it answers. */
  private whySent(s: SegmentData, step: Step): string[] {
    if (s.flags.includes('R')) return ['RST: the connection is aborted (RFC 9293 3.5.2)'];
    if (s.flags.includes('S')) {
      const data = s.length === 0 ? '' : `, with ${bytesText(s.length)} of data (Fast Open)`;
      if (!s.flags.includes('.'))
        return [
          `SYN: asks for a connection and announces our initial sequence number${data} ` +
            '(RFC 9293 3.5)',
        ];
      const acked =
        s.relAck === 1
          ? 'their ISN + 1'
          : `their ISN + 1 + the ${bytesText(s.relAck - 1)} of their SYN`;
      return [
        `SYN,ACK: our SYN and the ACK of theirs in one segment, ACK = ${acked} (RFC 9293 3.5)`,
      ];
    }
    const lines: string[] = [];
    if (s.length > 0) {
      lines.push(`${bytesText(s.length)} of data${allowedBy(step)}; it carries the ACK too`);
      if (s.gsoSize > 0) {
        const count = Math.ceil(s.length / s.gsoSize);
        lines.push(
          `one super-segment: the device splits it into ${count} segments of at most ` +
            `${s.gsoSize} bytes`,
        );
      }
    }
    if (s.flags.includes('F'))
      lines.push(`FIN: we have sent all our data${stillReceives(step)} (RFC 9293 3.6)`);
    if (lines.length === 0) lines.push(this.whyAck(s, step));
    return lines;
  }

  private whyAck(s: SegmentData, step: Step): string {
    if (expired(step, 'delayed-ack'))
      return 'the delayed ACK: no data went out in time to carry it (RFC 9293 3.8.6.3)';
    if (expired(step, 'persist')) {
      const why = 'its old sequence number makes the peer answer with its window';
      return `a zero-window probe: ${why} (RFC 9293 3.8.6.1)`;
    }
    if (expired(step, 'keep-alive')) {
      const why = 'its old sequence number makes a live peer answer';
      return `a keep-alive probe: ${why} (RFC 9293 3.8.4)`;
    }
    const { received: last, owed } = this.pastOf(step.group_id);
    if (last === null) return 'an ACK';
    if (owed.has('challenge-ack'))
      return (
        'a challenge ACK: a peer that really sent this segment sends it again with the expected ' +
        'sequence number (RFC 5961)'
      );
    if (owed.has('duplicate-ack-owed')) {
      return (
        'a duplicate ACK at once: it tells the sender that earlier data is missing (RFC 5681 ' +
        '4.2)'
      );
    }
    if (owed.has('dropped'))
      return (
        'an ACK at once: the segment was not acceptable; the ACK says what is expected (RFC ' +
        '9293 3.10.7.4)'
      );
    if (last.flags.includes('S')) return 'the ACK that completes the handshake (RFC 9293 3.5)';
    if (last.flags.includes('F')) return 'the ACK of the FIN: ACK = its number + 1 (RFC 9293 3.6)';
    const end = (last.relSeq + last.length) >>> 0;
    if (last.length > 0 && s.relAck > end)
      return (
        'an ACK at once: the segment fills a gap, so data behind it is acknowledged too (RFC ' +
        '5681 4.2)'
      );
    if (last.length > 0 && s.relAck === end) {
      return (
        'an ACK at once: the second full segment, or the start of a connection (RFC 9293 ' +
        '3.8.6.3, quick ACK as in Linux)'
      );
    }
    return 'an ACK with our current window';
  }

  /** Explains one event. */
  private effect(event: TraceEvent, step: Step): string[] {
    const past = this.pastOf(step.group_id);
    switch (event.name) {
      case 'tcp:state_changed':
        return [`${event.data.from} → ${event.data.to}: ${causeText(event.data.cause)}`];
      case 'tcp:segment_dropped':
        return [`${event.data.reason}: ${dropText(event.data.reason)}`];
      case 'recovery:timer_set': {
        const { timer, inUs } = event.data;
        if (timer !== 'rto') return timerSetText(timer, inUs);
        const backedOff = expired(step, 'rto') && isAbout(inUs, 2 * past.rtoUs);
        past.rtoUs = inUs;
        const doubled = backedOff
          ? ', twice the last wait (exponential backoff, RFC 6298 5.5)'
          : '';
        return [`${rtoName(step)} armed: ${durationText(inUs)}${doubled || ' (RFC 6298 5.1)'}`];
      }
      case 'recovery:timer_stopped':
        if (event.data.timer === 'rto')
          return ['all data is acknowledged: retransmission timer stopped (RFC 6298 5.2)'];
        if (event.data.timer === 'persist') return [persistStopped(step)];
        return [];
      case 'recovery:timer_expired':
        return timerExpiredText(event.data.timer);
      case 'tcp:note':
        return windowText(event.data, [...step.causes, ...step.effects]) ?? noteText(event.data);
      default:
        return [];
    }
  }
}

function remember(past: Past, segment: SegmentData, step: Step): void {
  if (past.answered) {
    past.owed.clear();
    past.lossProof = '';
  }
  past.answered = false;
  past.received = segment;
  for (const event of step.effects) {
    if (event.name === 'tcp:note') {
      past.owed.add(event.data.note);
      if (event.data.note === 'fast-retransmit') past.lossProof = lossProof(event.data);
    }
    if (event.name === 'tcp:segment_dropped') past.owed.add('dropped');
  }
}

function checksumText(segment: SegmentData): string[] {
  if (segment.checksum === 'verified')
    return ['checksum verified: pseudo-header, header and data (RFC 9293 3.1)'];
  return segment.checksum === 'vouched'
    ? [
        'checksum not verified: the packet never left this machine, so the kernel did not ' +
          'compute it (offload)',
      ]
    : [];
}

function cookieText(segment: SegmentData): string[] {
  const cookie = segment.options.fastOpen;
  if (cookie === undefined) return [];
  if (cookie === '')
    return ['it asks for a Fast Open cookie, so that the next SYN may carry data (RFC 7413 4.1.1)'];
  return segment.flags.includes('.')
    ? ['it grants a Fast Open cookie: with it the next SYN may carry data (RFC 7413 4.1.2)']
    : [
        'its Fast Open cookie proves that the server has answered this address before (RFC ' +
          '7413 4.1.2)',
      ];
}

const hasNote = (step: Step, note: Note['note']): boolean =>
  step.effects.some((e) => e.name === 'tcp:note' && e.data.note === note);

const isSyn = ({ flags }: SegmentData): boolean => flags.includes('S') && !flags.includes('.');

/** True if the step was caused by this timer. */
const expired = (step: Step, timer: string): boolean =>
  step.causes.some((e) => e.name === 'recovery:timer_expired' && e.data.timer === timer);

const isAbout = (n: Micros, wanted: Micros): boolean => n >= 0.95 * wanted && n <= 1.05 * wanted;

/**
 * Explains in-order data. Bytes that had arrived before are not counted as new. With data queued
 * behind a gap the new RCV.NXT is not known here.
 */
function textInOrder({ data: { segment, expected, held } }: ReceivedEvent): string {
  const old = expected === null ? 0 : Math.max(0, (expected - segment.relSeq) | 0);
  const overlap = old === 0 ? '' : ` (the first ${old} arrived before)`;
  const moves =
    held > 0
      ? 'it fills part of the gap before data that arrived earlier'
      : `RCV.NXT moves on to ${(segment.relSeq + segment.length) >>> 0}`;
  return `${bytesText(segment.length)} in order${overlap}: ${moves}`;
}

/**
 * The limit that allowed new data to be sent. A tail loss probe may exceed the congestion window,
 * and a retransmission is explained elsewhere.
 */
function allowedBy(step: Step): string {
  if (step.main?.name === 'tcp:segment_sent' && step.main.data.again) return '';
  return expired(step, 'tlp')
    ? ', new, as a probe (RFC 8985 7.3)'
    : ', within the window and the congestion window';
}

/** Added to a FIN if the peer's FIN has not arrived yet. */
const stillReceives = (step: Step): string =>
  step.main?.name === 'tcp:segment_sent' && /^(ESTABLISHED|FIN-WAIT-1)$/.test(step.main.data.state)
    ? '; we can still receive'
    : '';

/** The persist timer is also stopped, and started again, by an ACK whose window is still zero. */
const persistStopped = (step: Step): string =>
  step.main?.name === 'tcp:segment_received' && step.main.data.segment.window === 0
    ? 'the peer answers and its window is still zero: the probe timer starts again'
    : 'the window is open again: probing ends';

/** True if the segment was neither dropped nor out of order. */
const inOrder = (step: Step): boolean =>
  !hasNote(step, 'duplicate-ack-owed') &&
  !step.effects.some((e) => e.name === 'tcp:segment_dropped');

function rtoName(step: Step): string {
  const flags = segmentOf(step)?.flags ?? '';
  if (!flags.includes('S') || step.main?.name !== 'tcp:segment_sent') return 'retransmission timer';
  return flags.includes('.') ? 'SYN,ACK timer' : 'SYN timer';
}
