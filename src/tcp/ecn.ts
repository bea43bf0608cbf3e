/**
 * Explicit congestion notification (RFC 3168): how two ends agree on it. A router that is about to
 * drop marks instead; the receiver says so (ecn-receiver.ts), and the sender slows down as if it
 * had lost something (ecn-sender.ts).
 *
 *     SYN          ECE CWR   "I can do it"                data     IP: ECT(0) ──router──▶ IP: CE
 *     SYN,ACK      ECE       "so can I"                   ACK      ECE ... ECE   until
 *                                                         data     CWR           "I have slowed down"
 *
 * Neither SYN, SYN,ACK, bare ACK, retransmission nor window probe is sent with ECT: nobody would
 * notice that one of them was lost for another reason (section 6.1). Non-goals: AccECN (RFC 9768),
 * whose SYN is answered as this one is, and ECN++ (RFC 8311).
 */
import { Ecn, TcpFlag, type Segment } from '../wire/tcp.js';
import { EcnMode } from './ecn-mode.js';
import type { Tcb } from './tcb.js';

/**
 * Section 6.1.1: an ECN-setup SYN. An AccECN one has AE set, too, and falls back to this one when
 * it is answered like this one.
 */
export const ECN_SETUP_SYN = TcpFlag.ECE | TcpFlag.CWR;

const setupBits = (seg: Segment): number => seg.flags & ECN_SETUP_SYN;

/**
 * The peer's SYN asks, and we answer with ECE. As Linux, not when a classic SYN is itself marked as
 * ECT: no sender of today's does that, so something on the way rewrites the field.
 */
export const acceptsEcnSyn = (mode: EcnMode, syn: Segment): boolean =>
  mode !== EcnMode.off &&
  setupBits(syn) === ECN_SETUP_SYN &&
  (syn.ecn === Ecn.notEct || syn.has(TcpFlag.AE));

/**
 * Section 6.1.1: an ECN-setup SYN,ACK has ECE alone. Both bits are what a broken host sends that
 * only reflects them.
 */
const isEcnSynAck = (seg: Segment): boolean => setupBits(seg) === TcpFlag.ECE;

/** Our SYN asks for it. */
export const asksForEcn = (c: Tcb): boolean => !c.passive && c.config.ecn === EcnMode.ask;

/**
 * The peer's SYN or SYN,ACK is here. The SYN of a simultaneous open asks as ours does, and is an
 * answer to it.
 */
export function agreeOnEcn(c: Tcb, syn: Segment): void {
  const agreed = syn.has(TcpFlag.ACK)
    ? asksForEcn(c) && isEcnSynAck(syn)
    : (c.passive || asksForEcn(c)) && acceptsEcnSyn(c.config.ecn, syn);
  c.snd.ecnAgreed = agreed;
  c.rcv.ecn.agreed = agreed;
}
