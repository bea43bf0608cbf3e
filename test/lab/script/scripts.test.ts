/**
 * All of test/scripts, in strict mode: each passes, or its failure is shown as `tcplab script`
 * shows it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScript } from '../../../src/lab/script/parse.js';
import { runScript } from '../../../src/lab/script/run.js';
import { headOf } from '../../script-kernel/head.mjs';

const FOLDER = 'test/scripts';

describe.each(
  readdirSync(FOLDER, { withFileTypes: true }).flatMap((d) => (d.isDirectory() ? [d.name] : [])),
)('%s', (theme) => {
  const files = readdirSync(join(FOLDER, theme)).filter((name) => name.endsWith('.pkt'));
  it.each(files)('%s', (name) => {
    const file = join(FOLDER, theme, name);
    const text = readFileSync(file, 'utf8');
    const verdict = runScript(parseScript(file, text), { strict: true });
    const { outcome, reason, place, differences, packets } = verdict;
    expect({ outcome, reason, place, differences, packets }).toEqual({
      outcome: 'PASS',
      reason: '',
      place: null,
      differences: [],
      packets: [],
    });
    expect(headOf(text)).toMatchObject({
      shows: expect.stringMatching(/\S$/) as string,
      proves: expect.stringMatching(/\S$/) as string,
    });
  });
});

describe('the head of a script', () => {
  const none = { shows: '', proves: '', differs: '' };
  it.each([
    ['0 close(3) = 0\n// shows: too late', none],
    ['// shows: a\n// proves: MUST-1\n\n0 x', { ...none, shows: 'a', proves: 'MUST-1' }],
    [
      '// shows: a,\n//   which goes\n//   on.\n// differs: b\n//   c\n// no more\n//   d',
      { ...none, shows: 'a, which goes on.', differs: 'b c' },
    ],
    ['//   nothing goes on\n// shows: a', none],
  ])('of %j', (text, head) => {
    expect(headOf(text)).toEqual(head);
  });
});

it('docs/differences-from-linux.md names exactly the scripts that differ from Linux deliberately', () => {
  const doc = readFileSync('docs/differences-from-linux.md', 'utf8');
  const table = doc.slice(
    doc.indexOf('## Scripts in which'),
    doc.indexOf('## What no script says'),
  );
  const named = [...table.matchAll(/test\/scripts\/([\w/-]+\.pkt)/g)].map(([, name]) => name);
  const scripts = (readdirSync(FOLDER, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.pkt'),
  );
  const differing = scripts.filter(
    (name) => headOf(readFileSync(join(FOLDER, name), 'utf8')).differs !== '',
  );
  expect(named.sort()).toEqual(differing.sort());
});
