/** The words of the filter language (pcap-filter(7)). */

/** Protocols that can stand alone: their number, and the versions of IP in which they are. */
export const PROTOCOLS: ReadonlyMap<string, { number: number; version: 4 | 6 | null }> = new Map([
  ['icmp', { number: 1, version: 4 }],
  ['igmp', { number: 2, version: 4 }],
  ['tcp', { number: 6, version: null }],
  ['igrp', { number: 9, version: 4 }],
  ['udp', { number: 17, version: null }],
  ['esp', { number: 50, version: null }],
  ['ah', { number: 51, version: null }],
  ['icmp6', { number: 58, version: 6 }],
  ['pim', { number: 103, version: null }],
  ['vrrp', { number: 112, version: 4 }],
  ['carp', { number: 112, version: 4 }],
  ['sctp', { number: 132, version: null }],
]);

/** Words with the same meaning. */
export const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['&&', 'and'],
  ['||', 'or'],
  ['!', 'not'],
  ['==', '='],
  ['ipv6', 'ip6'],
  ['icmpv6', 'icmp6'],
  ['link', 'ether'],
  ['length', 'len'],
]);

export const TYPES = ['host', 'net', 'port', 'portrange', 'proto'] as const;
export const NETWORK_WORDS = ['ip', 'ip6', 'arp', 'rarp'] as const;

/** Names of offsets and values, for `tcp[tcpflags] & tcp-syn` and `icmp[icmptype]`. */
export const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['tcpflags', 13],
  ['tcp-fin', 0x01],
  ['tcp-syn', 0x02],
  ['tcp-rst', 0x04],
  ['tcp-push', 0x08],
  ['tcp-ack', 0x10],
  ['tcp-urg', 0x20],
  ['tcp-ece', 0x40],
  ['tcp-cwr', 0x80],
  ['icmptype', 0],
  ['icmpcode', 1],
  ['icmp-echoreply', 0],
  ['icmp-unreach', 3],
  ['icmp-sourcequench', 4],
  ['icmp-redirect', 5],
  ['icmp-echo', 8],
  ['icmp-routeradvert', 9],
  ['icmp-routersolicit', 10],
  ['icmp-timxceed', 11],
  ['icmp-paramprob', 12],
  ['icmp-tstamp', 13],
  ['icmp-tstampreply', 14],
  ['icmp-ireq', 15],
  ['icmp-ireqreply', 16],
  ['icmp-maskreq', 17],
  ['icmp-maskreply', 18],
  ['icmp6type', 0],
  ['icmp6code', 1],
  ['icmp6-destinationunreach', 1],
  ['icmp6-packettoobig', 2],
  ['icmp6-timeexceeded', 3],
  ['icmp6-parameterproblem', 4],
  ['icmp6-echo', 128],
  ['icmp6-echoreply', 129],
  ['icmp6-multicastlistenerquery', 130],
  ['icmp6-multicastlistenerreportv1', 131],
  ['icmp6-multicastlistenerdone', 132],
  ['icmp6-routersolicit', 133],
  ['icmp6-routeradvert', 134],
  ['icmp6-neighborsolicit', 135],
  ['icmp6-neighboradvert', 136],
  ['icmp6-redirect', 137],
  ['icmp6-multicastlistenerreportv2', 143],
]);

type Transport = 'tcp' | 'udp' | 'both';

/** Names of ports, with the protocols that Debian's /etc/services gives them. */
export const PORTS: ReadonlyMap<string, { number: number; of: Transport }> = new Map(
  (
    [
      ['echo', 7, 'both'],
      ['discard', 9, 'both'],
      ['daytime', 13, 'both'],
      ['chargen', 19, 'both'],
      ['ftp-data', 20, 'tcp'],
      ['ftp', 21, 'tcp'],
      ['ssh', 22, 'tcp'],
      ['telnet', 23, 'tcp'],
      ['smtp', 25, 'tcp'],
      ['domain', 53, 'both'],
      ['bootps', 67, 'udp'],
      ['bootpc', 68, 'udp'],
      ['tftp', 69, 'udp'],
      ['http', 80, 'tcp'],
      ['pop3', 110, 'tcp'],
      ['ntp', 123, 'udp'],
      ['imap', 143, 'tcp'],
      ['snmp', 161, 'both'],
      ['bgp', 179, 'tcp'],
      ['https', 443, 'both'],
      ['submission', 587, 'tcp'],
      ['imaps', 993, 'tcp'],
      ['mysql', 3306, 'tcp'],
      ['postgresql', 5432, 'tcp'],
    ] as const
  ).map(([name, number, of]) => [name, { number, of }]),
);

/** Words that libpcap knows and this compiler does not. */
export const UNSUPPORTED: ReadonlySet<string> = new Set(
  (
    'aarp action addr1 addr2 addr3 addr4 address1 address2 address3 address4 atalk bcc broadcast ' +
    'byte clnp connectmsg csnp decnet dir direction es-is esis fddi fisu gateway geneve hdpc ' +
    'hfisu hlssu hmsu hopc hsio hsls hsio iih ilmic ifname ipx is-is isis iso l1 l2 lane lat llc ' +
    'lsp lssu metac metaconnect moprc mopdl mpls msu multicast netbeui oam oamf4 oamf4ec oamf4sc ' +
    'oam on opc opposite ppp pppoed pppoes protochain psnp ra radio reason rnr rset rulenum ' +
    'ruleset sc sca sio slip sls snp srnr stp subrulenum subtype tr type vci vpi wlan'
  ).split(' '),
);

/** All words that may be meant by a mistyped one. */
const KNOWN: readonly string[] = [
  ...['and', 'or', 'not', 'src', 'dst', 'mask', 'less', 'greater', 'len', 'vlan', 'ether'],
  ...['inbound', 'outbound'],
  ...TYPES,
  ...NETWORK_WORDS,
  ...PROTOCOLS.keys(),
  ...NUMBERS.keys(),
];

/** `'x' is unknown`, with the word that was meant, if one is near. */
export function unknownWord(word: string): string {
  const [nearest] = KNOWN.map((known) => ({ known, away: distance(word, known) })).sort(
    (a, b) => a.away - b.away,
  );
  return nearest !== undefined && nearest.away <= Math.ceil(word.length / 3)
    ? `'${word}' is unknown; did you mean '${nearest.known}'?`
    : `'${word}' is unknown`;
}

/** Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, rows[i - 1]![j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
