import { describe, expect, it } from 'vitest';
import { UdpTable, type UdpBinding } from '../../../src/stack/udp/table.js';

const A = { w0: 0, w1: 0, w2: 0xffff, w3: 1 };
const B = { w0: 0, w1: 0, w2: 0xffff, w3: -1 };
const V6 = { w0: 1, w1: 0, w2: 0xffff, w3: 1 };

const at = (address: UdpBinding['address'], port: number): UdpBinding => ({ address, port });

function who(table: UdpTable<UdpBinding>, a: typeof A, port: number): UdpBinding | undefined {
  return table.lookup(a, port);
}

describe('UdpTable', () => {
  it('finds the socket by port and address', () => {
    const table = new UdpTable();
    const [a, b, any] = [at(A, 7), at({ ...B }, 7), at(null, 9)];
    for (const socket of [a, b, any]) table.bind(socket);
    expect([who(table, A, 7), who(table, B, 7), who(table, V6, 7)]).toEqual([a, b, undefined]);
    expect([who(table, A, 9), who(table, V6, 9), who(table, A, 8)]).toEqual([any, any, undefined]);
    expect([table.has(7), table.has(8), table.size]).toEqual([true, false, 2]);
  });

  it.each([
    ['the same address', A, { ...A }],
    ['all addresses, while one is in use', A, null],
    ['one address, while all are in use', null, A],
    ['all addresses twice', null, null],
  ])('rejects %s on one port', (_, first, second) => {
    const table = new UdpTable();
    const socket = at(first, 7);
    table.bind(socket);
    expect(() => {
      table.bind(at(second, 7));
    }).toThrow('EADDRINUSE: another socket has UDP port 7');
    expect(who(table, A, 7)).toBe(socket);
    table.bind(at(second, 8));
  });

  it('frees a port', () => {
    const table = new UdpTable();
    const [a, b] = [at(A, 7), at(B, 7)];
    table.bind(a);
    table.bind(b);
    table.unbind(a);
    table.unbind(a);
    expect([who(table, A, 7), who(table, B, 7)]).toEqual([undefined, b]);
    table.unbind(b);
    expect([table.has(7), table.size]).toEqual([false, 0]);
    table.bind(at(null, 7));
  });
});
