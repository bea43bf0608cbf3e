/** What the parser makes of a filter: a tree that does not depend on the link type. */

export type Direction = 'src' | 'dst' | 'either' | 'both';

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'always' }
  /** `ip`, `arp`: by the type in the link header. */
  | { readonly kind: 'network'; readonly word: NetworkWord }
  /** `tcp`, `ip proto 6`. */
  | { readonly kind: 'protocol'; readonly number: number; readonly version: 4 | 6 | null }
  | {
      readonly kind: 'address';
      /** Where IPv4 addresses are looked for: `null` is IP, ARP and RARP. */
      readonly network: NetworkWord | null;
      readonly direction: Direction;
      readonly version: 4 | 6;
      /** One word or four, in host order, unsigned. */
      readonly words: readonly number[];
      readonly masks: readonly number[];
    }
  | {
      readonly kind: 'port';
      /** Protocols, in the order in which libpcap compares them. */
      readonly protocols: readonly number[];
      readonly direction: Direction;
      readonly low: number;
      readonly high: number;
    }
  | { readonly kind: 'vlan'; readonly id: number | null }
  | { readonly kind: 'way'; readonly direction: 'in' | 'out' }
  | {
      readonly kind: 'relation';
      readonly sign: RelationSign;
      readonly left: Arithmetic;
      readonly right: Arithmetic;
    };

export type NetworkWord = 'ip' | 'ip6' | 'arp' | 'rarp';
export type RelationSign = '=' | '!=' | '<' | '>' | '<=' | '>=';

export type Arithmetic =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'length' }
  | { readonly kind: 'negative'; readonly of: Arithmetic }
  | {
      readonly kind: 'binary';
      readonly sign: string;
      readonly left: Arithmetic;
      readonly right: Arithmetic;
    }
  | {
      readonly kind: 'load';
      /** `ether`, `ip`, `tcp`, ... */
      readonly from: string;
      readonly index: Arithmetic;
      readonly size: 1 | 2 | 4;
    };
