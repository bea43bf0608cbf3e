// @ts-check
/**
 * `npm run bench`: one client on the kernel's sockets (client.c) drives, in turn, our stack with
 * and without offloads, Node's `net` on the kernel's TCP, a C server on the kernel's TCP, and a
 * mock without a stack. All servers offer the same services (services.mjs). Everything runs in
 * private network namespaces.
 *
 * On a shared machine the numbers of different runs are hardly comparable. So the contestants take
 * turns for several rounds, and the result is the median of the ratios within each round.
 *
 * A failed measurement is repeated. After three failures its cell is marked and the run goes on.
 *
 *     npm run bench                                      the tables (about five minutes)
 *     npm run bench -- --json FILE                       also writes all measured values to FILE
 *     npm run bench -- --rounds 5 --seconds 2 --rows upload,connections --contestants tcplab,node
 *     npm run bench -- --idle 300                        300 instead of 10,000 idle connections
 *     npm run bench -- --other ../before/dist            another build of tcplab as a contestant
 *     npm run bench -- --plain-node                      Node's default settings for V8's heap
 *     npm run bench -- --contestants node,again          node:net twice: the noise of the ratios
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { KINDS, otherBuild, startContestant } from './contestants.mjs';
import { commandLine } from '../test/tools/usage.mjs';
import { align, machine, median, show } from './figures.mjs';
import { Patience } from './patience.mjs';
import { compile, ip, isolate } from './programs.mjs';
import { FRESH, MEASUREMENTS, ROWS } from './rows.mjs';

/** @typedef {import('./contestants.mjs').Contestant} Contestant */

/**
 * Options of all servers in Node. Without this one, a process with a small heap that reads much
 * data may collect its whole heap every 32 MB, for seconds or forever, and lose up to two thirds of
 * its rate (docs/performance.md, "Traps").
 */
const NODE_OPTIONS = ['--heap-growing-percent=800'];
/** The first network number for servers that are started for one measurement. */
const FRESH_NETWORK = 10;
const ALL = [...Object.keys(MEASUREMENTS), ...Object.keys(FRESH)];
const DEFAULT = 'tcplab,plain,node,c,mock,plainmock';
const WARM_UP_SECONDS = 0.4;
/** The text of a cell without a value. */
const FAILED = 'failed';

/** The ratios: of which contestant, to which one, and the limit of the row that it has to meet. */
const RATIOS = [
  { of: 'tcplab', to: 'node', bar: 'toNode' },
  { of: 'tcplab', to: 'mock', bar: 'toMock' },
  { of: 'tcplab', to: 'c', bar: 'toC' },
  { of: 'plain', to: 'plainmock', bar: undefined },
  { of: 'tcplab', to: 'other', bar: undefined },
  { of: 'record', to: 'tcplab', bar: undefined },
  { of: 'again', to: 'node', bar: undefined },
];

const patience = new Patience();

async function main() {
  const { values: options } = commandLine(import.meta.url, {
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '1' },
      rows: { type: 'string', default: ALL.join(',') },
      contestants: { type: 'string', default: DEFAULT },
      idle: { type: 'string', default: '10000' },
      other: { type: 'string' },
      json: { type: 'string' },
      'plain-node': { type: 'boolean', default: false },
    },
  });
  const rounds = Number(options.rounds);
  const seconds = Number(options.seconds);
  const measured = chosen('row', options.rows, ALL);
  const names = chosen('contestant', options.contestants, Object.keys(KINDS));
  if (!(rounds >= 1 && rounds <= 20) || !(seconds > 0 && seconds <= 10)) {
    throw new Error('--rounds is 1 to 20, --seconds up to 10');
  }

  compile('client');
  isolate();
  ip('link set lo up');
  /** @type {Contestant[]} */
  const contestants = [];
  const nodeOptions = ['--expose-gc', ...(options['plain-node'] ? [] : NODE_OPTIONS)];
  const kinds = names.map((name) => ({ name, kind: KINDS[name] }));
  if (options.other !== undefined)
    kinds.push({ name: 'other', kind: otherBuild(resolve(options.other)) });
  try {
    const fresh = await measureFresh(kinds, measured, nodeOptions, Number(options.idle));
    for (const { name, kind } of kinds) {
      if (kind === undefined) continue;
      const n = contestants.length;
      const c = await patience.attempt(name, 'its start', () =>
        startContestant(name, kind, n, nodeOptions),
      );
      if (c !== null) contestants.push(c);
    }
    if (contestants.length === 0)
      throw new Error(`no contestant starts: ${patience.notes().join('; ')}`);
    const values = await measureAll(contestants, measured, rounds, seconds);
    for (const [name, rows] of Object.entries(fresh)) Object.assign(values[name] ?? {}, rows);
    report(values, contestants, rounds, seconds, options.json);
  } finally {
    for (const c of contestants) void stop(c);
  }
}

/** @param {string} what @param {string} list @param {string[]} all */
function chosen(what, list, all) {
  const names = list.split(',');
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new Error(`there is no ${what} ${unknown}: the ${what}s are ${all.join(', ')}`);
  return names;
}

/**
 * For each contestant and each row, one value per round.
 *
 * @typedef {Record<string, Record<string, number[]>>} Measured
 */

/** @param {Contestant} c */
function stop({ server }) {
  server.removeAllListeners('exit');
  const gone = new Promise((done) => server.once('exit', done));
  server.stdin?.end();
  setTimeout(() => server.kill('SIGKILL'), 2000).unref();
  return gone;
}

/**
 * Measures fresh servers.
 *
 * @param {{ name: string, kind: import('./contestants.mjs').Kind | undefined }[]} kinds
 * @param {string[]} measured
 * @param {string[]} nodeOptions
 * @param {number} idle how many connections
 *   @returns {Promise<Measured>}
 */
async function measureFresh(kinds, measured, nodeOptions, idle) {
  /** @type {Measured} */
  const values = {};
  for (const name of measured.filter((name) => name in FRESH)) {
    for (const [i, { name: who, kind }] of kinds.entries()) {
      if (kind === undefined) continue;
      const found = await patience.attempt(who, name, async () => {
        const c = await startContestant(who, kind, FRESH_NETWORK + (i % 6), nodeOptions);
        try {
          return await FRESH[/** @type {keyof typeof FRESH} */ (name)]?.(c, idle);
        } finally {
          await stop(c);
        }
      });
      for (const [row, value] of Object.entries(found ?? {})) (values[who] ??= {})[row] = [value];
    }
  }
  return values;
}

/**
 * @param {Contestant[]} contestants
 * @param {string[]} measured
 * @param {number} rounds
 * @param {number} seconds
 * @returns {Promise<Measured>}
 */
async function measureAll(contestants, measured, rounds, seconds) {
  // Warm-up, because otherwise the first measurement would include V8's compilation.
  for (const c of contestants) {
    for (const name of measured)
      await measure(c, name, Math.min(WARM_UP_SECONDS, seconds), 'warm-up');
  }

  /** @type {Measured} */
  const values = Object.fromEntries(contestants.map((c) => [c.name, {}]));
  for (let round = 0; round < rounds; round++) {
    for (const name of measured) {
      // The order changes from round to round.
      for (let i = 0; i < contestants.length; i++) {
        const c = contestants[(i + round) % contestants.length];
        if (c === undefined) continue;
        for (const [row, value] of Object.entries(
          await measure(c, name, seconds, `round ${round + 1}`),
        )) {
          const key = row.endsWith('Busy') ? `${name}.${row}` : row;
          ((values[c.name] ??= {})[key] ??= Array(rounds).fill(NaN))[round] = value;
        }
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return values;
}

/**
 * Returns nothing if the measurement failed each time.
 *
 * @param {Contestant} c
 * @param {string} name
 * @param {number} seconds
 * @param {string} when
 */
async function measure(c, name, seconds, when) {
  const found = await patience.attempt(c.name, `${name}, ${when}`, async (attempt) => {
    if (c.server.exitCode !== null || c.server.signalCode !== null) await c.restart();
    // A run that moved nothing is repeated with more time.
    const values = (await MEASUREMENTS[name]?.(c, seconds * attempt)) ?? {};
    if (!Object.values(values).every(Number.isFinite))
      throw new Error(`nothing moved in ${seconds * attempt} s`);
    return values;
  });
  return found ?? {};
}

/**
 * @param {Measured} values
 * @param {Contestant[]} contestants
 * @param {number} rounds
 * @param {number} seconds
 * @param {string | undefined} json
 */
function report(values, contestants, rounds, seconds, json) {
  const names = contestants.map((c) => c.name);
  const titles = names.map((name) => KINDS[name]?.title ?? name);
  const rows = Object.keys(ROWS).filter((row) =>
    names.some((name) => values[name]?.[row] !== undefined),
  );
  const of = (/** @type {string} */ name, /** @type {string} */ row) => values[name]?.[row] ?? [];

  const table = [['', 'unit', ...titles]];
  for (const row of rows) {
    const { title = '', unit = '' } = ROWS[row] ?? {};
    table.push([title, unit, ...names.map((name) => spread(of(name, row)))]);
  }
  console.log(
    `${align(table, 2)}\n\nMedian of ${rounds} rounds of ${seconds} s (least to most). ` +
      `${machine()}, MTU 1500.\n`,
  );

  const pairs = RATIOS.filter(({ of: a, to: b }) => names.includes(a) && names.includes(b));
  const ratios = [['tcplab is better above 1', ...pairs.map(({ of: a, to: b }) => `${a} / ${b}`)]];
  /** @type {Record<string, Record<string, number>>} */
  const found = {};
  for (const row of rows) {
    const { title = '', less = false, ...bars } = ROWS[row] ?? {};
    ratios.push([
      title,
      ...pairs.map(({ of: a, to: b, bar }) => {
        const each = of(a, row).map((value, i) =>
          less ? (of(b, row)[i] ?? NaN) / value : value / (of(b, row)[i] ?? NaN),
        );
        const ratio = median(each.filter(Number.isFinite));
        if (Number.isNaN(ratio)) return FAILED;
        (found[row] ??= {})[`${a}/${b}`] = ratio;
        const least =
          bar === undefined ? undefined : /** @type {Record<string, any>} */ (bars)[bar];
        return (
          ratio.toFixed(2) +
          (least === undefined ? '' : `  ${ratio >= least ? '≥' : '<'} ${least.toFixed(2)}`)
        );
      }),
    ]);
  }
  if (pairs.length > 0)
    console.log(`${align(ratios, 1)}\n\nMedian of the ratios of each round; behind it the bar.\n`);

  const busy = [['cores at work: client + server', ...titles]];
  for (const name of Object.keys(MEASUREMENTS)) {
    if (!names.some((n) => of(n, `${name}.clientBusy`).length > 0)) continue;
    const cores = (/** @type {string} */ n, /** @type {string} */ who) =>
      median(of(n, `${name}.${who}Busy`).filter(Number.isFinite)).toFixed(2);
    busy.push([
      ROWS[name]?.title ?? name,
      ...names.map((n) => `${cores(n, 'client')} + ${cores(n, 'server')}`),
    ]);
  }
  if (busy.length > 1) console.log(align(busy, 1));
  for (const note of patience.notes()) console.log(note);

  if (json === undefined) return;
  mkdirSync(dirname(json), { recursive: true });
  const all = {
    date: new Date().toISOString(),
    machine: machine(),
    rounds,
    seconds,
    rows: ROWS,
    values,
    ratios: found,
    failed: patience.failed,
    repeated: patience.repeated,
  };
  writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
}

/** @param {number[]} values one per round, NaN if it failed */
function spread(values) {
  const found = values.filter(Number.isFinite);
  if (found.length === 0) return FAILED;
  const some = found.length < values.length ? `, ${values.length - found.length} ${FAILED}` : '';
  if (values.length === 1) return show(median(found));
  const [least, most] = [Math.min(...found), Math.max(...found)];
  return `${show(median(found))} (${show(least)} to ${show(most)}${some})`;
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
