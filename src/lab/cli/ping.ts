/** `tcplab ping HOST`: sends echo requests from our stack, and prints as ping does. */
import { Exit } from './errors.js';
import { openLabHost } from './lab-host.js';
import { lifetime } from './lifetime.js';
import { showsSegments, type SharedOptions } from './options.js';
import { resolveHost } from './resolve.js';

export interface PingOptions extends SharedOptions {
  /** How many; default 4. */
  count: number;
  /** Bytes of data; default 56. */
  size: number;
  /** Seconds between them. */
  interval: number;
}

/** How long the command waits for replies after the last request. */
const LINGER_MS = 1000;

export async function ping(hostText: string, o: PingOptions): Promise<number> {
  const to = resolveHost(hostText);
  const lab = await openLabHost({ ...o, quiet: o.quiet === true || !showsSegments(o) });
  const { stack, clock } = lab.host;
  const life = lifetime();
  const id = process.pid & 0xffff;
  const sentAt = new Map<number, number>();
  const times: number[] = [];
  let sent = 0;
  stack.pingUser = {
    pingAnswer(what, from, answerId, seq, bytes, ttl) {
      const at = sentAt.get(seq);
      if (answerId !== id || at === undefined) return;
      sentAt.delete(seq);
      if (what !== 'reply') {
        process.stdout.write(`From ${from.toString()} icmp_seq=${seq} ${what}\n`);
        return;
      }
      const ms = (clock() - at) / 1000;
      times.push(ms);
      process.stdout.write(
        `${bytes} bytes from ${from.toString()}: icmp_seq=${seq} ttl=${ttl} ` +
          `time=${ms.toFixed(2)} ms\n`,
      );
      if (times.length === o.count) life.end(Exit.ok);
    },
  };
  process.stdout.write(`PING ${to.toString()} ${o.size} data bytes\n`);
  const data = Uint8Array.from({ length: o.size }, (_, i) => i);
  const next = (): void => {
    const now = clock();
    sentAt.set(++sent, now);
    stack.ping(to, id, sent, data, now);
    timer =
      sent < o.count
        ? setTimeout(next, o.interval * 1000)
        : setTimeout(() => {
            life.end(Exit.ok);
          }, LINGER_MS);
  };
  let timer = setTimeout(next, 0);
  await life.ended;
  clearTimeout(timer);
  lab.close();
  const loss = sent === 0 ? 0 : Math.round(((sent - times.length) / sent) * 100);
  process.stdout.write(
    `--- ${to.toString()} ping statistics ---\n${sent} packets transmitted, ${times.length} ` +
      `received, ${loss}% packet loss\n`,
  );
  if (times.length > 0) {
    const avg = times.reduce((a, b) => a + b, 0) / times.length;
    process.stdout.write(
      'rtt min/avg/max = ' +
        `${Math.min(...times).toFixed(3)}/${avg.toFixed(3)}/${Math.max(...times).toFixed(3)} ` +
        'ms\n',
    );
  }
  return times.length > 0 ? Exit.ok : Exit.failed;
}
