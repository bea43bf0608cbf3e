/**
 * Who may import whom: the layers of docs/architecture.md. Arrows never turn back.
 *
 * A layer is a folder of src/; what it may import is listed, everything else is forbidden. A
 * layer's own files always may.
 */
const LAYERS = {
  base: [],
  wire: ['base'],
  device: ['base', 'wire'],
  ip: ['base', 'wire'],
  // The protocol knows no addresses: of the wire it sees segments only.
  tcp: ['base', 'wire/(tcp|drop)\\.'],
  stack: ['base', 'wire', 'device', 'ip', 'tcp'],
  node: ['base', 'wire', 'device', 'ip', 'tcp', 'stack'],
  // Views show names: how an address is written, what states, causes and timers are called.
  observe: ['base', 'wire', 'ip/address\\.', 'tcp/(state|causes|timers)\\.'],
  // What the `tcplab` command is made of uses the library, as any program does.
  'lab/script': ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe'],
  'lab/services': ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe', 'node'],
  'lab/cli': [
    'base',
    'wire',
    'device',
    'ip',
    'tcp',
    'stack',
    'observe',
    'node',
    'lab/script',
    'lab/services',
  ],
};
/** What is only looked at: its types may be imported, its code not. */
const TYPES_ONLY = { observe: ['device', 'ip', 'tcp', 'stack'] };
/** No I/O there, so none of Node's modules either. */
const CORE = '^src/(base|wire|ip|tcp|stack)/';
/** What opens a real device. */
const REAL_DEVICE = '^src/device/tun/';

const folders = (names) =>
  names.map((name) => (name.endsWith('.') ? `^src/${name}` : `^src/${name}/`));

const layerRules = Object.entries(LAYERS).map(([layer, may]) => ({
  name: `layer-${layer}`,
  comment: `${layer}/ may import ${may.length === 0 ? 'nothing but itself' : may.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^src/', pathNot: folders([layer, ...may, ...(TYPES_ONLY[layer] ?? [])]) },
}));

const typesOnlyRules = Object.entries(TYPES_ONLY).map(([layer, may]) => ({
  name: `types-only-${layer}`,
  comment: `${layer}/ may import types of ${may.join(', ')}, and no code.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: folders(may), pathNot: folders(LAYERS[layer]), dependencyTypesNot: ['type-only'] },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    ...typesOnlyRules,
    {
      name: 'core-without-node',
      comment:
        'The core does no I/O: none of the modules of Node in it, not even their types, and ' +
        'no package.',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: '^src/', couldNotResolve: false },
    },
    {
      name: 'core-door-without-node',
      comment:
        '`tcplab/core` runs where there is no Node: nothing that it reaches, by however many ' +
        'steps, is outside src/.',
      severity: 'error',
      from: { path: '^src/core\\.' },
      to: { reachable: true, pathNot: '^src/' },
    },
    {
      name: 'rules-take-the-tcb',
      comment:
        'The rules of TCP work on the control block; the facade calls them, and none of them ' +
        'sees it.',
      severity: 'error',
      from: { path: '^src/tcp/', pathNot: '^src/tcp/(send|recovery|receive|congestion)/' },
      to: { path: '^src/tcp/connection\\.' },
    },
    {
      name: 'halves-see-no-connection',
      comment:
        'Each half of TCP can be built alone: neither the control block nor the facade is ' +
        'known there.',
      severity: 'error',
      from: { path: '^src/tcp/(send|recovery|receive|congestion)/' },
      to: { path: '^src/tcp/(tcb|connection)\\.' },
    },
    {
      name: 'sending-half-alone',
      comment: 'What sends, and what recovers losses, never reads what only a receiver needs.',
      severity: 'error',
      from: { path: '^src/tcp/(send|recovery|congestion)/' },
      to: { path: '^src/tcp/receive/' },
    },
    {
      name: 'receiving-half-alone',
      comment: 'What receives never reads what only a sender needs.',
      severity: 'error',
      from: { path: '^src/tcp/receive/' },
      to: { path: '^src/tcp/(send|recovery|congestion)/' },
    },
    {
      name: 'real-device',
      comment: 'Only the shell opens a real device: node/, lab/cli/ and index.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(node|lab/cli)/', '^src/index\\.', REAL_DEVICE] },
      to: { path: REAL_DEVICE },
    },
    {
      name: 'tests-in-src',
      comment: 'What is published does not import tests or benches.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|\\.ci)/' },
    },
    {
      name: 'no-cycles',
      comment:
        'Two modules that need each other are one module, and so are two whose types do. There is ' +
        'one circle of three: a Tcb has an environment, which has an observer of Tcbs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, via: { pathNot: '^src/tcp/(tcb|env|observer)\\.ts$' } },
    },
    {
      name: 'resolvable',
      comment: 'What is imported must be there.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // An optional peer, imported only when it is asked for.
    exclude: { path: '^tuntap2$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
