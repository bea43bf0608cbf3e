// @ts-check
/** The counters of this network namespace by nstat's names: TcpExtTCPTimeouts, IpInReceives. */
import { existsSync, readFileSync } from 'node:fs';

const PAIRS = ['/proc/self/net/netstat', '/proc/self/net/snmp'];
const LINES = '/proc/self/net/snmp6';

/** @returns {Record<string, number>} */
export function networkCounters() {
  /** @type {Record<string, number>} */
  const counters = {};
  for (const file of PAIRS) {
    const lines = readFileSync(file, 'latin1').trim().split('\n');
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [group = '', ...names] = (lines[i] ?? '').split(/[\s:]+/);
      const [, ...values] = (lines[i + 1] ?? '').split(/[\s:]+/);
      names.forEach((name, at) => (counters[group + name] = Number(values[at])));
    }
  }
  for (const line of existsSync(LINES) ? readFileSync(LINES, 'latin1').trim().split('\n') : []) {
    const [name = '', value] = line.split(/\s+/);
    counters[name] = Number(value);
  }
  return counters;
}
