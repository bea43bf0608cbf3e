/**
 * Packet scripts (test/scripts) with a recorded stack: each passes as it does without, and its
 * recording replays the same. `TCPLAB_RECORD_THEMES=all` plays all themes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScript } from '../../src/lab/script/parse.js';
import { runScript, stackTarget } from '../../src/lab/script/run.js';
import { differenceOf, recorded, type Recorded } from './recorded-worlds.js';

const FOLDER = 'test/scripts';
const THEMES =
  process.env['TCPLAB_RECORD_THEMES'] === 'all'
    ? readdirSync(FOLDER, { withFileTypes: true }).flatMap((d) => (d.isDirectory() ? [d.name] : []))
    : ['close', 'urgent', 'fast-recovery'];

describe.each(THEMES)('%s', (theme) => {
  const files = readdirSync(join(FOLDER, theme)).filter((name) => name.endsWith('.pkt'));
  it.each(files)('%s', (name) => {
    const file = join(FOLDER, theme, name);
    const text = readFileSync(file, 'utf8');
    let one: Recorded | null = null;
    const target = stackTarget((o) => {
      one = recorded(o);
      return one.stack;
    });
    const { outcome, reason } = runScript(parseScript(file, text), { strict: true }, target);
    expect([outcome, reason]).toEqual(['PASS', '']);
    expect(differenceOf(one!, 0)).toBeNull();
  });
});
