/** nc, ping and datagrams with our services, and their captures. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, fieldsOf, lab, scratch, STACK, wrongIn } from './lab.js';
import { needs } from '../tools/needs.js';

const V6 = STACK[6].slice(1, -1);
const dir = scratch();

describeWithTun('nc', () => {
  it('gets its bytes back from echo after closing its half (-N)', async () => {
    needs('nc');
    const script =
      `head -c 300000 /dev/urandom > ${dir}/sent; nc -N ${STACK[4]} 7 < ${dir}/sent > ` +
      `${dir}/back && cmp ${dir}/sent ${dir}/back && echo same; echo over six | nc -N ${V6} 7`;
    const { stdout, stderr } = await lab(script);
    expect(stdout, stderr).toBe('same\nover six\n');
  });

  it('reads daytime and time, and as much of chargen as it wants; discard takes everything', async () => {
    needs('nc');
    const script = [
      `nc ${STACK[4]} 13`,
      `nc ${STACK[4]} 37 | od -An -tu4 --endian=big`,
      `nc ${STACK[4]} 19 < /dev/null | head -c 1000 | head -2`,
      `head -c 1000000 /dev/zero | nc -N ${STACK[4]} 9; echo "discard $?"`,
    ].join('; ');
    const [day, seconds, first, second, discard] = (await lab(script)).stdout.split('\n');
    expect(Date.parse(day!)).not.toBeNaN();
    expect(Math.abs(Number(seconds) - 2_208_988_800 - Date.now() / 1000)).toBeLessThan(60);
    expect(first!.length).toBe(73); // 72 characters and a carriage return
    expect(second!.slice(0, 71)).toBe(first!.slice(1, 72));
    expect(discard).toBe('discard 0');
  });

  it('exchanges UDP with echo, and gets an error for a closed port', async () => {
    needs('nc', 'tshark');
    const file = join(dir, 'udp.pcapng');
    const script =
      `echo hello | nc -u -w 1 ${STACK[4]} 7; echo six | nc -u -w 1 ${V6} 7; echo x | nc -u -w ` +
      `1 ${STACK[4]} 4000; echo x | nc -u -w 1 ${V6} 4000`;
    expect((await lab(script, ['--pcap', file])).stdout).toBe('hello\nsix\n');
    expect(await fieldsOf(file, 'icmp.type == 3 && icmp.code == 3', 'ip.src')).toEqual([
      `${STACK[4]},198.18.0.1`,
    ]); // ours, and the source of what it quotes;
    expect(await fieldsOf(file, 'icmpv6.type == 1 && icmpv6.code == 4', 'icmpv6.code')).toEqual([
      '4',
    ]);
  });
});

describeWithTun('ping', () => {
  it('is answered over both families, small and of the maximum size', async () => {
    needs('ping');
    const script = [
      `ping -c 3 -i 0.2 ${STACK[4]}`,
      `ping -6 -c 3 -i 0.2 ${V6}`,
      `ping -c 2 -i 0.2 -s 65000 ${STACK[4]}`,
      `ping -6 -c 2 -i 0.2 -s 65000 ${V6}`,
    ].join(' && ');
    const { code, stdout } = await lab(script);
    expect(code, stdout).toBe(0);
    expect(stdout.match(/ 0% packet loss/g)).toHaveLength(4);
    expect(stdout.match(/65008 bytes from/g)).toHaveLength(4);
  });

  for (const mtu of [1280, 1500]) {
    it(`is answered in fragments no larger than the MTU of ${mtu}`, async () => {
      needs('ping', 'tshark');
      const file = join(dir, `ping-${mtu}.pcapng`);
      await lab(`ping -c 1 -s 20000 ${STACK[4]}; ping -6 -c 1 -s 20000 ${V6}`, [
        '--mtu',
        String(mtu),
        '--pcap',
        file,
      ]);
      expect(await wrongIn(file)).toBe('');
      for (const filter of [`ip.src == ${STACK[4]}`, `ipv6.src == ${V6}`]) {
        const lengths = (await fieldsOf(file, filter, 'frame.len')).map(Number);
        expect(lengths.length).toBeGreaterThan(10);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(mtu);
      }
    });
  }
});

describeWithTun('outgoing packets', () => {
  it('have DF set on every TCP segment, and no segment is larger than the MTU if offloads are off', async () => {
    needs('tshark');
    const file = join(dir, 'df.pcapng');
    await lab(`curl -s -o /dev/null http://${STACK[4]}/bytes/300000`, [
      '--no-offload',
      '--pcap',
      file,
    ]);
    const rows = await fieldsOf(file, `ip.src == ${STACK[4]} && tcp`, 'ip.flags.df', 'frame.len');
    expect(rows.length).toBeGreaterThan(100);
    expect(new Set(rows.map((row) => row.split('\t')[0]))).toEqual(new Set(['1']));
    expect(Math.max(...rows.map((row) => Number(row.split('\t')[1])))).toBeLessThanOrEqual(1500);
  });

  it('are visible to tcpdump in the lab', async () => {
    needs('tcpdump');
    const script = `
      tcpdump -ni tcplab0 -c 4 --immediate-mode tcp port 80 > ${dir}/dump 2> ${dir}/err &
      until grep -q listening ${dir}/err; do sleep 0.05; done
      curl -s -o /dev/null http://${STACK[4]}/bytes/10; wait; cat ${dir}/dump`;
    const { stdout } = await lab(script);
    expect(stdout).toMatch(/Flags \[S\], seq \d+/);
    expect(stdout).toMatch(/Flags \[S\.\], seq \d+, ack \d+/);
  });
});

describeWithTun('a lossy link', () => {
  it('delivers 100 KB each way at 5 % loss, intact', async () => {
    const script = [
      `head -c 100000 /dev/urandom > ${dir}/up`,
      `curl -sS --max-time 60 -T ${dir}/up http://${STACK[4]}/upload | sed 's/.*sha256 //'`,
      `sha256sum < ${dir}/up | cut -c1-64`,
      `curl -sS --max-time 60 http://${STACK[4]}/bytes/100000 | sha256sum | cut -c1-64`,
    ].join('; ');
    const { stdout, stderr } = await lab(
      script,
      ['--loss', '5%', '--delay', '2ms', '--seed', '5'],
      120,
    );
    const [arrived, sent, fetched] = stdout.trim().split('\n');
    expect(arrived, stderr).toBe(sent);
    const pattern = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    expect(fetched).toBe(createHash('sha256').update(pattern).digest('hex'));
    expect(stderr).toMatch(/linkLoss/);
  });
});
