/** `tcplab replay` on a terminal: keys go in, and the screen shows the step. */
import { beforeAll, describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../../src/base/time.js';
import { DropRule } from '../../../src/device/link/drop-rules.js';
import { screenOf } from '../../../src/lab/cli/replay-screen.js';
import { keysOf, ReplaySession } from '../../../src/lab/cli/replay-session.js';
import { Player } from '../../../src/record/player.js';
import { bytesSource } from '../../../src/record/reader.js';
import { recorded, type Recorded } from '../../record/recorded-worlds.js';
import { exchange, Hosts } from '../../stack/hosts.js';

let bytes: Uint8Array;
let session: ReplaySession;

/** A client whose first SYN is lost: a retransmission after 1 s. */
beforeAll(() => {
  const both: Recorded[] = [];
  const h = new Hosts({
    link: { rules: [DropRule.parse('in:syn:1')] },
    make: (o) => {
      both.push(recorded(o));
      return both.at(-1)!.stack;
    },
  });
  exchange(h, 3000, 3000);
  h.time.pass(2000 * MILLISECOND);
  h.settle();
  bytes = both[0]!.bytes();
});

const fresh = (): void => {
  session = new ReplaySession(new Player(bytesSource(bytes)), 'bug.tcplab');
};
const press = (keys: string): void => {
  for (const key of keysOf(keys)) session.key(key);
};
const step = (): number => session.state.view!.step.number;
const screen = (columns = 100, rows = 30): string[] => screenOf(session.state, columns, rows);

it('cuts what a terminal sends into keys', () => {
  expect(keysOf('n\x1b[C\x1b[Dq\r')).toEqual(['n', '\x1b[C', '\x1b[D', 'q', '\r']);
  expect(keysOf('\x1b[5~/é')).toEqual(['\x1b[5~', '/', 'é']);
});

describe('a session', () => {
  it('begins with the first step behind the construction of the stack', () => {
    fresh();
    expect(step()).toBe(2);
    expect(screen()[0]).toMatch(/^bug\.tcplab {3}step 2 of \d+ {3}0\.000000 s$/);
    expect(screen()[2]).toBe('connect(198.18.0.2, port 7)');
  });

  it('goes forwards and back, with the same screens', () => {
    fresh();
    const screens = [screen()];
    for (let i = 0; i < 12; i++) {
      press('n');
      screens.push(screen());
    }
    for (let i = 11; i >= 0; i--) {
      press(i % 2 === 0 ? 'b' : '\x1b[D');
      expect(screen()).toEqual(screens[i]);
    }
    press('b');
    expect(screen().at(-1)).toBe('this is the first step');
    expect(step()).toBe(2);
  });

  it('finds the retransmission, forwards and back, with its reason and what changed', () => {
    fresh();
    press('r');
    const at = step();
    expect(session.state.view!.marks).toContain('retransmission');
    expect(screen(200).join('\n')).toMatch(/again/);
    expect(screen(200).join('\n')).toMatch(
      /\* timer\.rto: expires at 1\.0+ s > expires at 2\.0+ s/,
    );
    press('r');
    expect(screen().at(-1)).toBe('no retransmission after this step');
    expect(step()).toBe(at);
    press('nnnnR');
    expect(step()).toBe(at);
    press('R');
    expect(screen().at(-1)).toBe('no retransmission before this step');
  });

  it('goes to a step, a time, the first and the last', () => {
    fresh();
    press('g7\r');
    expect(step()).toBe(7);
    press('g1.5s\r');
    expect(session.state.view!.seconds).toBeLessThanOrEqual(1.5);
    expect(session.state.view!.seconds).toBeGreaterThan(0.9);
    press('G');
    expect(step()).toBe(session.state.steps);
    press('n');
    expect(screen().at(-1)).toBe('this is the last step; the replay is the same');
    press('0');
    expect(step()).toBe(2);
    press('gx\x7fyes\r');
    expect(screen().at(-1)).toBe("'yes' is no step and no time: 120, or 1.5s");
  });

  it('finds changes of state, and texts', () => {
    fresh();
    press('ss');
    expect(session.state.view!.marks).toContain('state');
    press('/FIN-WAIT\r');
    expect(screen(200).join('\n')).toContain('FIN-WAIT');
    const at = step();
    press('/nowhere\r');
    expect(screen().at(-1)).toBe("no 'nowhere' after this step");
    expect(step()).toBe(at);
    press('/abc\x1b');
    expect(session.state.prompt).toBeNull();
  });

  it('has help, and an end', () => {
    fresh();
    press('h');
    expect(screen().join('\n')).toContain('the next step');
    press('n');
    expect(screen().join('\n')).not.toContain('Ctrl-C');
    expect(session.isOver).toBe(false);
    press('q');
    expect(session.isOver).toBe(true);
  });
});

it('a screen has the size of the terminal', () => {
  fresh();
  press('G');
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 4],
  ] as const) {
    const lines = screen(columns, rows);
    expect(lines.length).toBe(rows);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  }
});
