/**
 * Processes received SACK blocks: RFC 2018 (data received after a gap) and RFC 2883 (D-SACK: data
 * received twice). Each block marks the records that it covers and splits super-segments at the
 * boundaries of their segments. Invalid blocks are ignored and counted.
 *
 * The work is bounded: a block finds its first record by bisection and then visits only the records
 * that it covers. `highestSacked` is the end of SACKed data.
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
  // While nothing is SACKed, for example after reneging, remembered blocks are invalid, because a
  // repeated block may be new information.
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

/** RFC 2883 section 4: the first block is below the cumulative ACK, or inside the second block. */
function isDsack(seg: Segment): boolean {
  const left = seg.sackEdges[0]!;
  const right = seg.sackEdges[1]!;
  if (seqLt(left, seg.ack)) return true;
  return seg.sackCount > 1 && seqLeq(right, seg.sackEdges[3]!) && seqGeq(left, seg.sackEdges[2]!);
}

/**
 * Blocks must end in (SND.UNA, SND.NXT] and start at most one maximum window below SND.UNA. Others
 * are old or invalid.
 */
const isValid = (snd: Sender, left: Seq, right: Seq): boolean =>
  seqLt(left, right) &&
  seqLeq(right, snd.nxt) &&
  seqGt(right, snd.una) &&
  seqGeq(left, seqAdd(snd.una, -snd.maxWnd));

/**
 * Processes a D-SACK. It counts only as far as our retransmissions explain it, because the network
 * may duplicate packets, too.
 */
function takeDsack(snd: Sender, left: Seq, right: Seq): void {
  const { news, recovery, rack, probe, sent } = snd;
  const { undo } = recovery;
  if (!seqLt(left, right) || seqGt(right, snd.nxt)) return;
  const segments = Math.max(1, Math.ceil(seqDiff(right, left) / Math.max(snd.mss, 1)));
  if (seqLeq(right, news.priorUna)) snd.counters.TcpExtTCPDSACKRecv++;
  else snd.counters.TcpExtTCPDSACKOfoRecv++;
  snd.duplicatesReported += segments;
  // More duplicates than retransmissions: the network duplicated packets, or the peer reports false
  // duplicates to make us send faster.
  if (snd.duplicatesReported > snd.port.stats.retransmissions) return;
  news.dsack = true;
  if (probe.end !== null && right === probe.end) news.dsackOfProbe = true;
  // Only if reordering may have made RACK mark a segment lost too early. The copy sent by a tail
  // loss probe says nothing about the margin.
  if (recovery.reorderSeen > 0 && !news.dsackOfProbe) rack.dsackSeen = true;
  if (seqLeq(right, news.priorUna)) {
    if (seqGt(right, undo.marker)) undo.onDuplicate(segments);
    return;
  }
  // The duplicate is beyond SND.UNA, so its record is still queued.
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
      // Only whole segments are delivered, so the cut is at the first segment boundary at or above
      // the edge.
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
 * False if there is nothing to cut, or if too many records are held. In that case this part of the
 * SACK block is ignored, and its data may be retransmitted.
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
    // Sent only once, and below data that was SACKed before: reordered, not lost.
    if (seqLt(record.start, news.highestSacked)) news.noteReordered(record.start);
    if (seqLeq(record.end, recovery.highSeq)) news.originalDelivered = true;
    if (Number.isNaN(news.firstSackedAt)) news.firstSackedAt = record.sentAt;
    news.lastSackedAt = record.sentAt;
  }
  snd.sent.markSacked(record);
  snd.rate.delivered += record.segments;
  news.dataSacked = true;
}
