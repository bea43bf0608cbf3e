/**
 * The worst link on which we promise to work, with the kernel at its other end: 10 MB each way at
 * the same time arrive intact. Both ends use BBR, because CUBIC treats every loss as congestion and
 * would take an hour, and a minimum RTO that fits a round trip of 2 ms.
 */
import { expect, it } from 'vitest';
import { describeWithTun, inNamespace } from './lab.js';
import { needs } from '../tools/needs.js';

const BYTES = 10_000_000;
const LINK = '--loss 20% --reorder 20% --duplicate 5% --corrupt 1% --delay 1ms --seed 5';

describeWithTun(
  'a link that loses 20 %, reorders 20 %, duplicates 5 % and corrupts 1 % each way',
  () => {
    it('carries 10 MB each way between the kernel and us', async () => {
      needs('nc');
      const { stdout, stderr, code } = await inNamespace(
        `d=$(mktemp -d); trap 'rm -rf $d; kill $(jobs -p) 2>/dev/null' EXIT
head -c ${BYTES} /dev/urandom > $d/ours; head -c ${BYTES} /dev/urandom > $d/theirs
$TCPLAB listen --tun tcplab0 --congestion bbr --rto-min 10ms ${LINK} 9000 \\
  < $d/ours > $d/we_got 2> $d/err &
server=$!
for i in $(seq 200); do grep -q listening $d/err && break; sleep 0.05; done
sysctl -qw net.ipv4.tcp_no_metrics_save=1
ip route change 198.18.0.0/24 dev tcplab0 src 198.18.0.1 congctl bbr rto_min 10ms ||
  echo "this kernel has no BBR: sudo modprobe tcp_bbr"
timeout 80 nc -N 198.18.0.2 9000 < $d/theirs > $d/they_got; echo "nc $?"
wait $server; echo "listen $?"
cmp $d/ours $d/they_got && cmp $d/theirs $d/we_got && echo same
stat -c %s $d/we_got $d/they_got; cat $d/err >&2`,
        100,
      );
      expect(stdout + stderr, stderr).toContain(`nc 0\nlisten 0\nsame\n${BYTES}\n${BYTES}\n`);
      expect(code).toBe(0);
    });
  },
);
