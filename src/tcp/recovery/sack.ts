/**
 * The sender's reading of SACK: RFC 2018 (what arrived beyond a hole), RFC 2883 (D-SACK: what
 * arrived twice). Each block marks the records that it covers, cutting super-segments where the
 * wire's segments were cut; what cannot be is passed over and counted.
 *
 * Work is bounded: a block finds its place by halving and looks at the records that it covers; one
 * that says nothing new costs no more than that, except for records that are SACKed already.
 * `highest` is where SACKed data ends.
 */
import { seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import type { Segment } from '../../wire/tcp.js';
import type { Sender } from '../send/sender.js';
import type { SentSegment } from '../send/sent-queue.js';
import { wasResentInVain } from './undo.js';

export function tagSacked(snd: Sender, seg: Segment, now: Micros): void {
  const { sackMemory } = snd;
  let first = 0;
  // After reneging, or a window without a loss, what was said before counts no more: the same block
  // may be news.
  if (snd.sent.sackedOut === 0) sackMemory.clear();
  if (isDsack(seg)) {
    takeDsack(snd, seg.sackEdges[0]!, seg.sackEdges[1]!);
    first = 1;
  }
  for (let i = first; i < seg.sackCount; i++) {
    const left = seg.sackEdges[2 * i]!;
    const right = seg.sackEdges[2 * i + 1]!;
    if (!isValid(snd, left, right)) {
      snd.counters.TcpExtTCPSACKDiscard++;
      continue;
    }
    if (!sackMemory.has(left, right)) tagBlock(snd, seqMax(left, snd.una), right, now);
    if (seqGt(right, snd.highestSacked)) snd.highestSacked = right;
  }
  sackMemory.keep(seg);
}

/**
 * RFC 2883 section 4: the first block lies below the cumulative ACK, or inside the second block.
 */
function isDsack(seg: Segment): boolean {
  const left = seg.sackEdges[0]!;
  const right = seg.sackEdges[1]!;
  if (seqLt(left, seg.ack)) return true;
  return seg.sackCount > 1 && seqLeq(right, seg.sackEdges[3]!) && seqGeq(left, seg.sackEdges[2]!);
}

/** It must lie in what is in flight: anything else is a mistake, or old. */
const isValid = (snd: Sender, left: Seq, right: Seq): boolean =>
  seqLt(left, right) &&
  seqLeq(right, snd.nxt) &&
  seqGt(right, snd.una) &&
  seqGeq(left, seqAdd(snd.una, -snd.maxWnd));

/**
 * Something arrived twice. Was it what we sent again, or the network that copies? Only what we did
 * send again is counted.
 */
function takeDsack(snd: Sender, left: Seq, right: Seq): void {
  const { news, recovery, rack, probe, sent } = snd;
  const { undo } = recovery;
  if (!seqLt(left, right) || seqGt(right, snd.nxt)) return;
  const segments = Math.max(1, Math.ceil(seqDiff(right, left) / Math.max(snd.mss, 1)));
  if (seqLeq(right, news.priorUna)) snd.counters.TcpExtTCPDSACKRecv++;
  else snd.counters.TcpExtTCPDSACKOfoRecv++;
  snd.duplicatesReported += segments;
  // More duplicates than retransmissions: not ours, but the network's (or somebody's who wants us
  // to go faster).
  if (snd.duplicatesReported > snd.port.stats.retransmissions) return;
  news.dsack = true;
  if (probe.end !== null && right === probe.end) news.dsackOfProbe = true;
  // Only where RACK may have been too quick because of reordering; what a probe's copy costs is no
  // fault of the margin.
  if (recovery.reorderSeen > 0 && !news.dsackOfProbe) rack.dsackSeen = true;
  if (seqLeq(right, news.priorUna)) {
    if (seqGt(right, undo.marker)) undo.onDuplicate(segments);
    return;
  }
  // A duplicate beyond SND.UNA: the record is still here.
  for (let i = sent.find(left); i < sent.length; i++) {
    const record = sent.at(i);
    if (!seqLt(record.start, right)) return;
    if (record.retransmissions > 0 && seqGt(record.end, undo.marker))
      undo.onDuplicate(record.segments);
    sent.unmarkResent(record);
  }
}

function tagBlock(snd: Sender, left: Seq, right: Seq, now: Micros): void {
  const { sent } = snd;
  for (let i = sent.find(left); i < sent.length; i++) {
    let record = sent.at(i);
    if (!seqLt(record.start, right)) return;
    if (record.sacked) continue;
    if (seqLt(record.start, left)) {
      // Only a whole segment can have arrived: the cut lies on the wire's boundary at or above the
      // edge.
      if (!cut(snd, i, roundUp(seqDiff(left, record.start), record.size))) continue;
      record = sent.at(++i);
    }
    if (
      seqGt(record.end, right) &&
      !cut(snd, i, roundDown(seqDiff(right, record.start), record.size))
    )
      return;
    tagRecord(snd, record, now);
  }
}

/**
 * False when there is nothing to cut, or when pieces enough are kept: then that much of what the
 * peer says is passed over, and is sent again in the end.
 */
function cut(snd: Sender, i: number, bytes: Bytes): boolean {
  if (!snd.hasManyRecords) return snd.sent.split(i, bytes);
  snd.counters.TcpExtTCPWqueueTooBig++;
  return false;
}

const roundUp = (bytes: Bytes, size: Bytes): Bytes =>
  size > 0 ? Math.ceil(bytes / size) * size : bytes;
const roundDown = (bytes: Bytes, size: Bytes): Bytes =>
  size > 0 ? Math.floor(bytes / size) * size : 0;

function tagRecord(snd: Sender, record: SentSegment, now: Micros): void {
  const { news, recovery } = snd;
  if (!wasResentInVain(snd, record)) snd.rack.advance(record, snd.rtt.minRtt, now);
  snd.rate.onDelivered(record);
  if (record.retransmissions === 0) {
    // Sent once, and below what was SACKed before: it was late, not lost.
    if (seqLt(record.start, news.highestSacked)) news.noteReordered(record.start);
    if (seqLeq(record.end, recovery.highSeq)) news.originalDelivered = true;
    if (Number.isNaN(news.firstSackedAt)) news.firstSackedAt = record.sentAt;
    news.lastSackedAt = record.sentAt;
  }
  snd.sent.markSacked(record);
  snd.rate.delivered += record.segments;
  news.dataSacked = true;
}
