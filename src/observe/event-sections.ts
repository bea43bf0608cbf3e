/** The RFC section behind each event; null for what only Linux defines. */
import { CAUSES, type Cause } from '../tcp/causes.js';
import type { Note } from '../tcp/notes.js';
import type { TIMER_NAMES } from '../tcp/timers.js';
import type { UserCall } from '../tcp/user-call.js';
import { causeText } from './cause-texts.js';
import { DROP_TEXTS } from './drop-texts.js';
import type { SegmentData } from './events.js';

/** The first section that a sentence cites: `(RFC 9293 3.10.7.1)`. */
export function citedSection(text: string): string | null {
  const [, rfc, section] = /\bRFC (\d+)(?: (?:section )?(\d[\d.]*\d|\d))?/.exec(text) ?? [];
  if (rfc === undefined) return null;
  return section === undefined ? `RFC ${rfc}` : `RFC ${rfc} section ${section}`;
}

const DROPS: ReadonlyMap<string, string | null> = new Map(
  Object.entries(DROP_TEXTS).map(([name, text]) => [name, citedSection(text)]),
);

export const dropSection = (name: string): string | null => DROPS.get(name) ?? null;

/** Causes whose sentence cites no section: the user's calls and the segments of RFC 9293. */
const CAUSE_DEFAULTS: Partial<Record<Cause, string>> = {
  'active-open': 'RFC 9293 section 3.10.1',
  close: 'RFC 9293 section 3.10.4',
  abort: 'RFC 9293 section 3.10.5',
  syn: 'RFC 9293 section 3.10.7.2',
  'syn-cookie': 'RFC 4987 section 3.6',
  'simultaneous-syn': 'RFC 9293 section 3.10.7.3',
  'syn-ack': 'RFC 9293 section 3.10.7.3',
  'ack-of-syn': 'RFC 9293 section 3.10.7.4',
  'ack-of-fin': 'RFC 9293 section 3.10.7.4',
  fin: 'RFC 9293 section 3.10.7.4',
  rst: 'RFC 9293 section 3.10.7.4',
  'syn-in-syn-received': 'RFC 9293 section 3.10.7.4',
};
const BY_CAUSE: ReadonlyMap<Cause, string | null> = new Map(
  CAUSES.map((cause) => [cause, citedSection(causeText(cause)) ?? CAUSE_DEFAULTS[cause] ?? null]),
);

export const causeSection = (cause: Cause): string | null => BY_CAUSE.get(cause) ?? null;

type TimerName = (typeof TIMER_NAMES)[number];

const TIMERS: Readonly<Record<TimerName, string | null>> = {
  rto: 'RFC 6298 section 5',
  persist: 'RFC 9293 section 3.8.6.1',
  'delayed-ack': 'RFC 9293 section 3.8.6.3',
  'keep-alive': 'RFC 9293 section 3.8.4',
  'fin-wait-2': null,
  tlp: 'RFC 8985 section 7.2',
  reorder: 'RFC 8985 section 6.2',
  pacing: null,
};

export const timerSection = (timer: TimerName): string | null => TIMERS[timer];

const NOTES: Readonly<Record<Note['note'], string | null>> = {
  'iss-chosen': 'RFC 6528 section 3',
  'syn-cookie': 'RFC 4987 section 3.6',
  'options-agreed': 'RFC 9293 section 3.7.1',
  'rtt-sample': 'RFC 6298 section 2',
  cwnd: 'RFC 5681 section 3',
  'ca-state': 'RFC 5681 section 3.2',
  'fast-retransmit': 'RFC 5681 section 3.2',
  'loss-probe': 'RFC 8985 section 7.3',
  undo: 'RFC 4015 section 3',
  'recovery-exit': 'RFC 6582 section 3.2',
  'rto-retransmit': 'RFC 6298 section 5.4',
  'challenge-ack': 'RFC 5961 section 3.2',
  'ack-throttled': 'RFC 5961 section 7',
  'duplicate-ack-owed': 'RFC 5681 section 4.2',
  'window-closed': 'RFC 9293 section 3.8.6',
  'window-opened': 'RFC 9293 section 3.8.6',
  'zero-window-probe': 'RFC 9293 section 3.8.6.1',
  'nagle-hold': 'RFC 9293 section 3.7.4',
  'cork-hold': null,
  'ecn-marked': 'RFC 3168 section 6.1.3',
  'ecn-answered': 'RFC 3168 section 6.1.3',
  'ecn-reduced': 'RFC 3168 section 6.1.2',
  urgent: 'RFC 9293 section 3.8.5',
  'fast-open-taken': 'RFC 7413 section 4.2.2',
  'fast-open-refused': 'RFC 7413 section 4.2.1',
  'path-mtu': 'RFC 4821 section 7',
  'mtu-probe': 'RFC 4821 section 7.3',
  'mtu-probe-lost': 'RFC 4821 section 7.6.2',
  'soft-error': 'RFC 5461 section 2.2',
};

export const noteSection = (note: Note): string | null => NOTES[note.note];

const CALLS: Readonly<Record<UserCall['call'], string | null>> = {
  send: 'RFC 9293 section 3.9.1.2',
  sendZeroCopy: 'RFC 9293 section 3.9.1.2',
  receive: 'RFC 9293 section 3.9.1.3',
  shutdown: 'RFC 9293 section 3.9.1.4',
  release: 'RFC 9293 section 3.9.1.4',
  abort: 'RFC 9293 section 3.9.1.6',
  setsockopt: null,
};

export const callSection = (call: UserCall): string | null => CALLS[call.call];

/** RFC 9293 section 3.10.7 by the state in which the segment arrives. */
export function arrivalSection(state: string): string {
  switch (state) {
    case 'CLOSED':
      return 'RFC 9293 section 3.10.7.1';
    case 'LISTEN':
      return 'RFC 9293 section 3.10.7.2';
    case 'SYN-SENT':
      return 'RFC 9293 section 3.10.7.3';
    default:
      return 'RFC 9293 section 3.10.7.4';
  }
}

/** The rule by which such a segment is sent. */
export function sendingSection(segment: SegmentData, again: boolean): string {
  if (segment.flags.includes('R')) return 'RFC 9293 section 3.5.2';
  if (again) return 'RFC 9293 section 3.8.1';
  if (segment.flags.includes('S')) return 'RFC 9293 section 3.5';
  if (segment.flags.includes('F')) return 'RFC 9293 section 3.6';
  return segment.length > 0 ? 'RFC 9293 section 3.8.6.2.1' : 'RFC 9293 section 3.8.6.3';
}
