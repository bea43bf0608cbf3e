/** A flow: the four-tuple of one connection. `tcp/` sees only its ports (`FlowId`). */
import type { Address } from '../ip/address.js';
import type { FlowId } from '../tcp/tcb.js';

export class Flow implements FlowId {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;

  constructor(local: Address, localPort: number, remote: Address, remotePort: number) {
    this.local = local;
    this.localPort = localPort;
    this.remote = remote;
    this.remotePort = remotePort;
  }

  /** Local end first, as tcpdump prints addresses: `198.18.0.2:80 198.18.0.1:51422`. */
  toString(): string {
    return (
      `${endpointText(this.local, this.localPort)} ` +
      `${endpointText(this.remote, this.remotePort)}`
    );
  }
}

/** `198.18.0.2:80`, `[fd74::2]:80`. */
export const endpointText = (address: Address, port: number): string =>
  address.version === 6 ? `[${address.toString()}]:${port}` : `${address.toString()}:${port}`;
