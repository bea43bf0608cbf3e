import { describe, expect, it } from 'vitest';
import { FlowMemory } from '../../src/observe/flow-memory.js';
import { flagsText } from '../../src/wire/flags-text.js';
import {
  compactText,
  flagNames,
  tcpdumpLine,
  tcpdumpText,
  timeText,
} from '../../src/observe/text.js';
import { Segment, TcpFlag } from '../../src/wire/tcp.js';

const { SYN, ACK, PSH, FIN, RST } = TcpFlag;

function segment(set: Partial<Segment>): Segment {
  return Object.assign(new Segment(), set);
}

/** The start of a connection: their SYN, our SYN,ACK, as a flow remembers them. */
function opened(): {
  flow: FlowMemory;
  syn: ReturnType<FlowMemory['read']>;
  synAck: ReturnType<FlowMemory['read']>;
} {
  const flow = new FlowMemory('10.0.0.2:80', '10.0.0.1:51422');
  const options = { mss: 1460, sackPermitted: true, hasTimestamps: true };
  const syn = flow.read(
    segment({ seq: -2, flags: SYN, wnd: 64_240, wscale: 10, tsVal: 5, ...options }),
    false,
  );
  const synAck = flow.read(
    segment({
      seq: 7,
      ack: -1,
      flags: SYN | ACK,
      wnd: 65_535,
      wscale: 7,
      tsVal: 6,
      tsEcr: 5,
      ...options,
    }),
    true,
  );
  return { flow, syn, synAck };
}

describe('tcpdumpText', () => {
  it('prints a handshake as tcpdump does', () => {
    const { flow, syn, synAck } = opened();
    expect(tcpdumpLine(flow, false, syn)).toBe(
      'IP 10.0.0.1.51422 > 10.0.0.2.80: Flags [S], seq 4294967294, win 64240, ' +
        'options [mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 10], length 0',
    );
    expect(tcpdumpLine(flow, true, synAck)).toBe(
      'IP 10.0.0.2.80 > 10.0.0.1.51422: Flags [S.], seq 7, ack 1, win 65535, ' +
        'options [mss 1460,sackOK,TS val 6 ecr 5,nop,wscale 7], length 0',
    );
  });

  it('prints a Fast Open cookie as tcpdump does, and the request for one', () => {
    const flow = new FlowMemory('10.0.0.2:80', '10.0.0.1:51422');
    const syn = segment({ seq: 1, flags: SYN, wnd: 100, mss: 1460, cookieBytes: 0 });
    expect(tcpdumpText(flow.read(syn, false))).toBe(
      'Flags [S], seq 1, win 100, options [mss 1460,tfo  cookiereq,nop,nop], length 0',
    );
    syn.cookieBytes = 6;
    syn.cookie.set([1, 2, 0xab, 4, 5, 255]);
    expect(tcpdumpText(flow.read(syn, false))).toContain(
      '[mss 1460,tfo  cookie 0102ab0405ff], length 0',
    );
    expect(compactText(flow.read(syn, false))).toBe(
      '[S] seq=0 win=100 <mss 1460,tfo cookie 0102ab0405ff>',
    );
  });

  it('prints sequence numbers relative to the initial ones, over the wrap, or absolute', () => {
    const { flow } = opened();
    const data = flow.read(
      segment({ seq: 3, ack: 9, flags: PSH | ACK, wnd: 63, payloadBytes: 6 }),
      false,
    );
    expect(tcpdumpText(data)).toBe('Flags [P.], seq 5:11, ack 2, win 63, length 6');
    expect(tcpdumpText(data, { absolute: true })).toBe(
      'Flags [P.], seq 3:9, ack 9, win 63, length 6',
    );
    const ack = flow.read(
      segment({ seq: 9, ack: 9, flags: ACK, wnd: 63, hasTimestamps: true, tsVal: -1, tsEcr: 2 }),
      true,
    );
    expect(tcpdumpText(ack)).toBe(
      'Flags [.], ack 11, win 63, options [nop,nop,TS val 4294967295 ecr 2], length 0',
    );
    const fin = flow.read(segment({ seq: 9, ack: 9, flags: FIN | ACK, wnd: 63 }), true);
    expect(tcpdumpText(fin)).toBe('Flags [F.], seq 2, ack 11, win 63, length 0');
    const urgent = flow.read(
      segment({
        seq: 9,
        ack: 9,
        flags: TcpFlag.URG | TcpFlag.ECE | TcpFlag.AE | ACK,
        urgentPointer: 7,
        ecn: 3,
      }),
      false,
    );
    expect(tcpdumpText(urgent)).toBe('Flags [.UEe], ack 2, win 0, urg 7, length 0');
    expect(compactText(urgent)).toBe('[.UEe] seq=11 ack=2 win=0 urg=7 CE');
    const rst = flow.read(segment({ seq: 9, flags: RST }), false);
    expect(tcpdumpText(rst)).toBe('Flags [R], seq 11, win 0, length 0');
  });

  it('prints SACK blocks relative to our initial sequence number', () => {
    const { flow } = opened();
    const seg = segment({ seq: 8, ack: -1, flags: ACK, wnd: 1, sackCount: 2 });
    seg.sackEdges.set([99, 199, 299, 399]);
    const data = flow.read(seg, true);
    expect(tcpdumpText(data)).toContain('nop,nop,sack 2 {101:201}{301:401}');
    expect(tcpdumpText(data, { absolute: true })).toContain('nop,nop,sack 2 {99:199}{299:399}');
    expect(compactText(data)).toBe('[.] seq=1 ack=1 win=128 <sack {101:201}{301:401}>');
  });

  it('writes IPv6 addresses as tcpdump does', () => {
    const flow = new FlowMemory('[fd74::2]:80', '[fd74::1]:9');
    const line = tcpdumpLine(flow, true, flow.read(segment({ flags: ACK }), true));
    expect(line).toBe('IP6 fd74::2.80 > fd74::1.9: Flags [.], ack 0, win 0, length 0');
  });
});

describe('compactText', () => {
  it('scales windows if both sides have agreed to it, but never on a SYN', () => {
    const { flow, syn, synAck } = opened();
    expect(compactText(syn)).toBe('[S] seq=0 win=64240 <mss 1460,sackOK,TS,ws 10>');
    expect(compactText(synAck)).toBe('[S.] seq=0 ack=1 win=65535 <mss 1460,sackOK,TS,ws 7>');
    const data = flow.read(
      segment({ seq: -1, ack: 8, flags: ACK, wnd: 63, payloadBytes: 1 }),
      false,
    );
    expect(compactText(data)).toBe('[.] seq=1 ack=1 win=64512 len=1');
    // a new connection on the same ports, without the option
    flow.read(segment({ seq: 100, flags: SYN }), false);
    expect(compactText(flow.read(segment({ seq: 101, flags: ACK, wnd: 63 }), false))).toContain(
      'seq=1 ack=4294967289 win=63',
    );
  });

  it("takes the connection's numbers if it did not see the handshake", () => {
    const flow = new FlowMemory('a:1', 'b:2');
    // an earlier connection with these ports
    flow.read(segment({ seq: 7, flags: SYN, wscale: 3 }), false);
    flow.learn(1000, { irs: 5000, scales: { in: 10, out: 7 } });
    const sent = flow.read(segment({ seq: 1010, ack: 5020, flags: ACK, wnd: 2 }), true);
    expect(compactText(sent)).toBe('[.] seq=10 ack=20 win=256');
    const came = flow.read(segment({ seq: 5020, ack: 1010, flags: ACK, wnd: 2 }), false);
    expect(compactText(came)).toBe('[.] seq=20 ack=10 win=2048');
  });
});

describe('small texts', () => {
  it('names flags', () => {
    expect(flagsText(0)).toBe('none');
    expect(flagsText(255)).toBe('FSRP.UEW');
    expect(flagNames('S.')).toBe('SYN, ACK');
    expect(flagNames('none')).toBe('no flag');
  });

  it('prints seconds with microseconds', () => {
    expect(timeText(12_003_142)).toBe('12.003142');
  });
});
