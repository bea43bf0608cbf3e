// @ts-check
/** Attaches to the device that `tcplab up` made, and sends a packet through it. */
import { readFileSync } from 'node:fs';
import { Seen, open, scenarios, send, thrown, udpPacket } from './kit.mjs';

await scenarios({
  attach() {
    const error = thrown(() => open({ name: 'tcplab0' }).close());
    if (error !== null) return error;
    const device = open({ name: 'tcplab0' });
    device.attach(new Seen());
    send(device, udpPacket(Buffer.from('x')));
    device.close();
    return {
      capabilities: /^CapEff:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1],
      mtu: device.mtu,
      offload: device.offload.checksum,
      sent: device.counters.txPackets,
      dropped: device.counters.txDropped,
    };
  },
});
