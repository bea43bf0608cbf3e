/* global tcplab */
/**
 * A program for the bundle of core: two stacks on a cable, in virtual time. A client connects, both
 * ends send `size` bytes and close, and both check each byte. It runs in a context that has only
 * ECMAScript, so it has no imports.
 */
const { Address, NEVER, pair, Prefix, SECOND, SeededRandom, Stack, STATE_NAMES, State, TcpEvent } =
  tcplab;

const byteAt = (i, salt) => (i * 31 + (i >> 8) * 7 + (i >> 16) + salt) & 0xff;

/** Sends `size` bytes of one pattern and compares the received bytes with another. */
class Peer {
  constructor(stack, clock, size, salt, expectedSalt) {
    Object.assign(this, { stack, clock, size, salt, expectedSalt });
    Object.assign(this, {
      sent: 0,
      received: 0,
      wrong: 0,
      ended: false,
      closed: false,
      error: null,
      states: [],
    });
  }

  tcpEvents(conn, events) {
    for (let piece = conn.receive(); piece !== null; piece = conn.receive()) {
      for (const byte of piece)
        if (byte !== byteAt(this.received++, this.expectedSalt)) this.wrong++;
    }
    if (events & TcpEvent.endOfStream) this.ended = true;
    if (events & TcpEvent.error) this.error = conn.error;
    if (events & TcpEvent.closed) this.closed = true;
    if (conn.state === State.established || conn.state === State.closeWait) this.write(conn);
    this.stack.wake(conn);
  }

  write(conn) {
    while (this.sent < this.size) {
      const chunk = new Uint8Array(Math.min(16_384, this.size - this.sent));
      for (let i = 0; i < chunk.length; i++) chunk[i] = byteAt(this.sent + i, this.salt);
      const taken = conn.send(chunk);
      this.sent += taken;
      if (taken < chunk.length) return;
    }
    conn.shutdown(this.clock.now);
  }
}

function exchange(size) {
  const clock = { now: SECOND };
  const states = [];
  const observer = {
    segmentArrived() {},
    segmentDropped() {},
    segmentSent() {},
    stateChanged: (conn, from, to) =>
      states.push(`${conn.passive ? 'server' : 'client'} ${STATE_NAMES[to]}`),
    timerSet() {},
    timerStopped() {},
    timerExpired() {},
    noted() {},
    called() {},
    packetDropped() {},
    strayArrived() {},
    straySent() {},
    datagram() {},
    turnEnds() {},
  };
  const stacks = pair({ mtu: 1500 }).map(
    (device, i) =>
      new Stack({
        device,
        addresses: [Prefix.parse(`198.18.0.${i + 1}/24`)],
        random: new SeededRandom(i + 1),
        secret: Uint8Array.from({ length: 16 }, (_, at) => at + i),
        observer,
      }),
  );
  const [a, b] = stacks;
  const client = new Peer(a, clock, size, 0, 1);
  const server = new Peer(b, clock, size, 1, 0);
  b.listen({
    port: 7,
    user: {
      tcpAccept(conn) {
        conn.user = server;
        return true;
      },
    },
  });
  a.connect({ remote: Address.parse('198.18.0.2'), remotePort: 7, user: client }, clock.now);
  a.run(clock.now);
  for (let turns = 0; turns < 1_000_000; turns++) {
    const next = Math.min(a.nextTimeout(), b.nextTimeout());
    if (next === NEVER) break;
    clock.now = Math.max(clock.now, next);
    for (const stack of stacks) if (stack.nextTimeout() <= clock.now) stack.onTimeout(clock.now);
  }
  const result = ({ sent, received, wrong, ended, closed, error }) => ({
    sent,
    received,
    wrong,
    ended,
    closed,
    error,
  });
  return {
    client: result(client),
    server: result(server),
    states,
    broken: stacks.map((stack) => stack.checkInvariants()),
    left: stacks.flatMap((stack) => [...stack.connections()]).length,
    drops: stacks.map((stack) => stack.dropsByName()),
  };
}

JSON.stringify(exchange(1 << 20));
