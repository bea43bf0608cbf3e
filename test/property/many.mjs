// @ts-check
/**
 * More runs of a property than `npm test` has time for:
 *
 *     npm run bad-link -- --seeds 1000 --from 1       transfers over a bad link, one a seed
 *                                                     (about 0.3 s each)
 *     npm run model -- --runs 20000 --seed 1          random users and networks against a model
 *                                                     (about 10 ms each)
 *     npm run fuzz -- --packets 10000000 --seed 1     mutated packets against a stack (about 30 us
 *                                                     each)
 *     npm run fuzz -- --captures 1000000 --seed 1     mutated captures against the reader (0.3 ms
 *                                                     each)
 *     npm run model -- --seed 1 --path 17:0:3         repeats one run; the failure prints this
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { helpIfAsked, wrongUsage } from '../tools/usage.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** @type {Record<string, { options: string[], example: string, file?: string }>} */
const KINDS = {
  'bad-link': { options: ['seeds', 'from'], example: '--seeds 1000 --from 1' },
  fuzz: {
    options: ['packets', 'captures', 'seed'],
    example: '--packets 10000000 --seed 1',
    file: 'test/fuzz/garbage.test.ts',
  },
  model: { options: ['runs', 'seed', 'path'], example: '--runs 20000 --seed 1' },
};

helpIfAsked(import.meta.url);
const [kind = '', ...args] = process.argv.slice(2);
const known = KINDS[kind];
if (known === undefined)
  wrongUsage(
    import.meta.url,
    `the kind is missing or unknown: it is one of ${Object.keys(KINDS).join(', ')}`,
  );
const env = { ...process.env };
for (let i = 0; i < args.length; i += 2) {
  const name = args[i]?.replace(/^--/, '') ?? '';
  const value = args[i + 1] ?? '';
  const fits = name === 'path' ? /^[\d:]+$/ : /^-?\d{1,10}$/;
  if (!args[i]?.startsWith('--') || !known.options.includes(name) || !fits.test(value))
    wrongUsage(
      import.meta.url,
      `'${args[i]} ${value}' is unknown: npm run ${kind} -- ${known.example}`,
    );
  env[`TCPLAB_${kind.replace('-', '_')}_${name}`.toUpperCase()] = value;
}

const vitest = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  '.ci/vitest.config.ts',
  '--project',
  'core',
];
const more = [
  '--testTimeout=86400000',
  '--reporter=verbose',
  args.includes('--captures')
    ? 'test/fuzz/captures.test.ts'
    : (known.file ?? `test/property/${kind}.test.ts`),
];
const child = spawn(process.execPath, [...vitest, ...more], { cwd: root, env, stdio: 'inherit' });
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});
