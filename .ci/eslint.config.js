/** Lint rules that use types. `npm run check` passes this file by its path. */
import eslint from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { fileURLToPath } from 'node:url';
import seqCompare from './eslint/seq-compare.js';

/**
 * The core takes time, random numbers and packets as arguments, and returns packets, deadlines and
 * events.
 */
const CORE = ['src/{base,wire,ip,tcp,stack,capture,analyse,draw}/**/*.ts'];
const WHY =
  'the core reads no clock and no random source, starts no timer and does no I/O: take it as ' +
  'an argument';
const banned = (names) =>
  names.map((name) => ({
    name,
    message: `In src/${'{base,wire,ip,tcp,stack,capture,analyse,draw}'} ${WHY}.`,
  }));

const SYNCHRONOUS = [
  { selector: 'AwaitExpression', message: 'The core is synchronous: no await in it.' },
  {
    selector: ':function[async=true]',
    message: 'The core is synchronous: no async functions in it.',
  },
];

/** What ECMAScript defines to the last bit. */
const EXACT_FUNCTIONS = /^(abs|ceil|clz32|floor|fround|imul|max|min|round|sign|trunc|random)$/;
const inexact = (what) =>
  `${what} may differ in its last bits from engine to engine, so a recording would not replay: ` +
  'use base/exact-math.ts.';
const EXACT = [
  {
    selector: `MemberExpression[object.name='Math'][property.name!=${EXACT_FUNCTIONS}]`,
    message: inexact('This function of Math'),
  },
  {
    selector: "VariableDeclarator[init.name='Math']",
    message: inexact('A function of Math without its name in front'),
  },
  { selector: "BinaryExpression[operator='**']", message: inexact('The operator **') },
  { selector: "AssignmentExpression[operator='**=']", message: inexact('The operator **') },
];

export default defineConfig(
  { ignores: ['dist/', 'build/', 'coverage/', 'node_modules/'] },
  eslint.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: fileURLToPath(new URL('tsconfig.json', import.meta.url)) },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'prefer-const': 'error',
      // Unused parameters are allowed, because an interface may require them.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Allows `bytes[i]!`: noUncheckedIndexedAccess makes every indexed read possibly undefined,
      // but the bounds are known.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/require-await': 'off',
      // It takes a number with a unit (base/units.ts) for something else than a number.
      '@typescript-eslint/no-unsafe-unary-minus': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/base/seq.ts'],
    plugins: { tcplab: { rules: { 'seq-compare': seqCompare } } },
    rules: { 'tcplab/seq-compare': 'error' },
  },
  {
    files: CORE,
    rules: {
      'no-restricted-globals': [
        'error',
        ...banned([
          'Date',
          'performance',
          'crypto',
          'process',
          'Promise',
          'queueMicrotask',
          'fetch',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'clearTimeout',
          'clearInterval',
          'clearImmediate',
        ]),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: `${WHY}.` },
      ],
      'no-restricted-syntax': ['error', ...SYNCHRONOUS, ...EXACT],
    },
  },
  {
    // What a simulated link does with a packet must be the same everywhere, too.
    files: ['src/device/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...EXACT] },
  },
  {
    // Plain JavaScript, which runs before anything is compiled. tsc checks its types in files with
    // @ts-check.
    files: ['**/*.{js,cjs,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { project: null } },
    rules: {
      'no-undef': 'off',
      'no-console': 'off',
      '@typescript-eslint/prefer-readonly': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'off',
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  {
    // The command line and the programs of the tests print to a terminal.
    files: ['src/lab/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts', '.ci/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // vitest's matchers take unbound methods: expect(x.method).toBe(...).
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    // These tests parse JSON that programs in a namespace print, which has no type.
    files: ['test/native/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
