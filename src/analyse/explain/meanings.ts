/** What each mark means, under the name that Wireshark's expert information gives it. */
import type { MarkName } from '../marks.js';

export interface Meaning {
  /** Wireshark's words for it. */
  readonly title: string;
  readonly meaning: string;
  readonly section: string;
}

export const MEANINGS: Readonly<Record<MarkName, Meaning>> = {
  retransmission: {
    title: 'TCP Retransmission',
    meaning:
      'data was sent again, because its ACK did not come in time. The data or its ACK was lost, ' +
      'or the timer was too short',
    section: 'RFC 6298 5.4',
  },
  fastRetransmission: {
    title: 'TCP Fast Retransmission',
    meaning:
      'duplicate ACKs reported a missing segment, and it was sent again at once. A loss ' +
      'that cost ' +
      'about one round trip',
    section: 'RFC 5681 3.2',
  },
  spuriousRetransmission: {
    title: 'TCP Spurious Retransmission',
    meaning:
      'data was sent again that was already acknowledged. The ACK was lost or late on its way to ' +
      'the sender, or the packet was duplicated',
    section: 'RFC 5682, RFC 2883',
  },
  outOfOrder: {
    title: 'TCP Out-Of-Order',
    meaning:
      'a segment came behind later ones, less than a round trip after them: it was overtaken on ' +
      'the path, or it is a quick retransmission of one that was lost before the capture',
    section: 'RFC 5681 4.2',
  },
  duplicateAck: {
    title: 'TCP Dup ACK',
    meaning:
      'the receiver repeats its last ACK: segments arrive, but the next one in order is missing',
    section: 'RFC 5681 2',
  },
  lostSegment: {
    title: 'TCP Previous segment not captured',
    meaning:
      'sequence numbers are missing: the packets were lost before the capture, overtaken, or the ' +
      'capture itself dropped them',
    section: 'RFC 9293 3.10.7.4',
  },
  ackLostSegment: {
    title: 'TCP ACKed unseen segment',
    meaning:
      'the receiver acknowledges data that is not in the capture. The packets existed, so the ' +
      'capture is incomplete',
    section: 'RFC 9293 3.4',
  },
  windowUpdate: {
    title: 'TCP Window Update',
    meaning: 'the program has read, so the receiver offers more room',
    section: 'RFC 9293 3.8.6',
  },
  windowFull: {
    title: 'TCP Window Full',
    meaning: 'the sender has filled the window and must wait for the receiver',
    section: 'RFC 9293 3.8.6',
  },
  zeroWindow: {
    title: 'TCP ZeroWindow',
    meaning:
      'the receive buffer is full, because the receiving program does not read. The sender must ' +
      'stop',
    section: 'RFC 9293 3.8.6.1',
  },
  zeroWindowProbe: {
    title: 'TCP ZeroWindowProbe',
    meaning: 'the sender asks with one byte whether a closed window has opened',
    section: 'RFC 9293 3.8.6.1',
  },
  zeroWindowProbeAck: {
    title: 'TCP ZeroWindowProbeAck',
    meaning: 'the receiver answers such a probe: its window is still closed',
    section: 'RFC 9293 3.8.6.1',
  },
  keepAlive: {
    title: 'TCP Keep-Alive',
    meaning:
      'an old sequence number without new data, to make the other side answer. On an idle ' +
      'connection a keep-alive; against a closed window the probe of Linux',
    section: 'RFC 9293 3.8.4',
  },
  keepAliveAck: {
    title: 'TCP Keep-Alive ACK',
    meaning: 'the other side is alive and answers a keep-alive',
    section: 'RFC 9293 3.8.4',
  },
  reusedPorts: {
    title: 'TCP Port numbers reused',
    meaning: 'a new connection between the same addresses and ports as an earlier one',
    section: 'RFC 9293 3.6.1, RFC 6191',
  },
};
