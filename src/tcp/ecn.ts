/**
 * Negotiation of explicit congestion notification (RFC 3168). A congested router marks packets
 * instead of dropping them. The receiver echoes the mark (ecn-receiver.ts), and the sender slows
 * down as after a loss (ecn-sender.ts).
 *
 *     SYN          ECE CWR   request                    data     IP: ECT(0) ──router──▶ IP: CE
 *     SYN,ACK      ECE       accepted                   ACK      ECE ... ECE   until
 *                                                       data     CWR           cwnd was reduced
 *
 * SYNs, SYN,ACKs, pure ACKs, retransmissions and window probes are sent without ECT (section 6.1),
 * because their loss would not be noticed as congestion. Not supported: AccECN (RFC 9768), whose
 * SYN is answered like a classic one, and ECN++ (RFC 8311).
 */
import { Ecn, TcpFlag, type Segment } from '../wire/tcp.js';
import { EcnMode } from './ecn-mode.js';
import type { Tcb } from './tcb.js';

/**
 * Section 6.1.1: an ECN-setup SYN. An AccECN SYN has AE as well, and this answer makes it fall back
 * to classic ECN.
 */
export const ECN_SETUP_SYN = TcpFlag.ECE | TcpFlag.CWR;

const setupBits = (seg: Segment): number => seg.flags & ECN_SETUP_SYN;

/**
 * True if the peer's SYN requests ECN and we answer with ECE. As in Linux, not if a classic SYN is
 * itself ECT: current senders never do that, so something on the path rewrites the field.
 */
export const acceptsEcnSyn = (mode: EcnMode, syn: Segment): boolean =>
  mode !== EcnMode.off &&
  setupBits(syn) === ECN_SETUP_SYN &&
  (syn.ecn === Ecn.notEct || syn.has(TcpFlag.AE));

/**
 * Section 6.1.1: an ECN-setup SYN,ACK has only ECE. Broken hosts that reflect the flags set both.
 */
const isEcnSynAck = (seg: Segment): boolean => setupBits(seg) === TcpFlag.ECE;

/** Our SYN requests ECN. */
export const asksForEcn = (c: Tcb): boolean => !c.passive && c.config.ecn === EcnMode.ask;

/**
 * Processes the peer's SYN or SYN,ACK. In a simultaneous open the peer's SYN both requests ECN and
 * answers our request.
 */
export function agreeOnEcn(c: Tcb, syn: Segment): void {
  const agreed = syn.has(TcpFlag.ACK)
    ? asksForEcn(c) && isEcnSynAck(syn)
    : (c.passive || asksForEcn(c)) && acceptsEcnSyn(c.config.ecn, syn);
  c.snd.ecnAgreed = agreed;
  c.rcv.ecn.agreed = agreed;
}
