/**
 * The layers of docs/architecture.md, and what each may import. No import goes back to a higher
 * layer.
 *
 * A layer is a folder of src/. It may import the listed folders and its own files, and nothing
 * else.
 */
const LAYERS = {
  base: [],
  wire: ['base'],
  // The link's drop rules name addresses.
  device: ['base', 'wire', 'ip/address\\.'],
  ip: ['base', 'wire'],
  // The protocol knows no addresses, so of `wire` it imports only segments and drop reasons.
  tcp: ['base', 'wire/(tcp|drop)\\.'],
  stack: ['base', 'wire', 'device', 'ip', 'tcp'],
  // A replay says in words what happened in a step, and why.
  record: ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe'],
  node: ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe', 'record'],
  // Captures are bytes; filters name addresses.
  capture: ['base', 'wire', 'ip/address\\.'],
  // Conversations have addresses, and explanations print them.
  analyse: ['base', 'wire', 'capture', 'ip/address\\.'],
  draw: ['base', 'wire', 'analyse'],
  // Views print addresses, the names of states, causes, timers and TCP_INFO's options, and metrics.
  observe: [
    'base',
    'wire',
    'capture',
    'ip/address\\.',
    'tcp/(state|causes|timers|tcp-info-options|metrics)\\.',
  ],
  // The `tcplab` command uses the library as any program does.
  'lab/script': ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe'],
  'lab/services': ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe', 'node'],
  'lab/control': ['base', 'wire', 'device', 'ip', 'tcp', 'stack', 'observe', 'node'],
  'lab/cli': [
    'base',
    'wire',
    'device',
    'ip',
    'tcp',
    'stack',
    'capture',
    'analyse',
    'draw',
    'observe',
    'record',
    'node',
    'lab/script',
    'lab/services',
    'lab/control',
  ],
};
/** Folders of which a layer may import types, but no code. */
const TYPES_ONLY = { observe: ['device', 'ip', 'tcp', 'stack'] };
/** Folders without I/O, so without modules of Node. */
const CORE = '^src/(base|wire|ip|tcp|stack|record|capture|analyse|draw)/';
/** The folder that opens real devices. */
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
        'The core does no I/O, so it may not import modules of Node, not even types, or packages.',
      severity: 'error',
      from: { path: CORE },
      to: { pathNot: '^src/', couldNotResolve: false },
    },
    {
      name: 'core-door-without-node',
      comment:
        '`tcplab/core` runs without Node, so all its direct and indirect imports must be in src/.',
      severity: 'error',
      from: { path: '^src/core\\.' },
      to: { reachable: true, pathNot: '^src/' },
    },
    {
      name: 'rules-take-the-tcb',
      comment:
        'The rules of TCP take the control block. The facade calls them; they may not import it.',
      severity: 'error',
      from: { path: '^src/tcp/', pathNot: '^src/tcp/(send|recovery|receive|congestion)/' },
      to: { path: '^src/tcp/connection\\.' },
    },
    {
      name: 'halves-see-no-connection',
      comment:
        'Each half of TCP can be built alone, so it may import neither the control block nor the ' +
        'facade.',
      severity: 'error',
      from: { path: '^src/tcp/(send|recovery|receive|congestion)/' },
      to: { path: '^src/tcp/(tcb|connection)\\.' },
    },
    {
      name: 'sending-half-alone',
      comment: 'Sending and loss recovery may not import the receiving half.',
      severity: 'error',
      from: { path: '^src/tcp/(send|recovery|congestion)/' },
      to: { path: '^src/tcp/receive/' },
    },
    {
      name: 'receiving-half-alone',
      comment: 'The receiving half may not import sending or loss recovery.',
      severity: 'error',
      from: { path: '^src/tcp/receive/' },
      to: { path: '^src/tcp/(send|recovery|congestion)/' },
    },
    {
      name: 'real-device',
      comment: 'Only the shell (node/, lab/cli/ and index.ts) may open a real device.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(node|lab/cli)/', '^src/index\\.', REAL_DEVICE] },
      to: { path: REAL_DEVICE },
    },
    {
      name: 'tests-in-src',
      comment: 'Published code may not import tests or benches.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|\\.ci)/' },
    },
    {
      name: 'no-cycles',
      comment:
        'No import cycles, types included, because modules that need each other are one module. ' +
        'The only exception is a cycle of three: a Tcb has an environment, which has an ' +
        'observer of Tcbs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, via: { pathNot: '^src/tcp/(tcb|env|observer)\\.ts$' } },
    },
    {
      name: 'resolvable',
      comment: 'Every imported module must exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // An optional peer dependency, imported only on request.
    exclude: { path: '^tuntap2$' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
