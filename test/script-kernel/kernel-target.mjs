// @ts-check
/**
 * The kernel of this machine as a packet script's target (src/lab/script/target.ts): real time,
 * real sockets, behind a TUN that kernel-world.c holds.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Slab } from '../../dist/base/slab.js';
import { numberOf, Unsupported } from '../../dist/lab/script/values.js';
import { networkCounters } from './counters.mjs';
import { WINDOW_LIMIT, scaleOf, wholeMachinesRmemMax } from './machine.mjs';
import { prepare } from './system-calls.mjs';
import { parseTcpInfo, TCP_INFO_BYTES } from './tcp-info.mjs';

/**
 * @typedef {import('../../dist/lab/script/target.js').Target} Target
 * @typedef {import('../../dist/lab/script/ast.js').Call} Call
 * @typedef {import('../../dist/lab/script/socket.js').Result} Result
 * @typedef {import('../../dist/lab/script/wire.js').WirePacket} WirePacket
 */

/** A descriptor that is not open. */
const CLOSED = 1_000_000;
const DEFAULT_PORT = 8080;
const DEFAULT_MTU = 1500;
const REQUESTS = 3;
const ANSWERS = 4;
/**
 * Microseconds that a call may take which, according to the script, returns at once; and those that
 * a blocking call gets for its first part.
 */
const AT_ONCE = 300_000;
const FIRST_PART = 3000;
/** The kernel's timers count in jiffies, and a packet is seen a little after it was sent. */
const SETTLE = 50_000;

/** The settings of the public scripts' defaults.sh, which SCRIPT_PROFILE has too. */
const DEFAULTS = {
  tcp_rmem: '4096 540000 15728640',
  tcp_wmem: '4096 262144 4194304',
  tcp_timestamps: '1',
  tcp_sack: '1',
  tcp_ecn: '0',
  tcp_slow_start_after_idle: '0',
  tcp_syn_retries: '5',
  tcp_synack_retries: '5',
  tcp_syn_linear_timeouts: '0',
  tcp_syncookies: '1',
  tcp_early_retrans: '3',
  tcp_recovery: '1',
  tcp_fastopen: '0x403',
  tcp_fastopen_key: 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4',
  tcp_fastopen_blackhole_timeout_sec: '0',
  tcp_no_metrics_save: '1',
};

/** Linux has two names for some; these are the ones that scripts write. */
const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
for (const name of /** @type {const} */ (['EAGAIN', 'EOPNOTSUPP']))
  errnoNames.set(constants.errno[name], name);

/** @implements {Target} */
export class KernelTarget {
  /** @type {WirePacket[]} */
  sent = [];
  /** @type {WirePacket[]} */
  log = [];
  settle = SETTLE;
  now = 0;
  /** @private The incomplete last line that was read from ANSWERS. */
  rest = '';
  /** @private */
  calls = 0;
  /** @private The script's calls by their ids. @type {Map<number, Call>} */
  underWay = new Map();
  /** @private @type {Map<number, { value: number, errno: number, memory: Buffer[] }>} */
  done = new Map();
  /** @private The kernel's descriptor of each of the script's. @type {Map<number, number>} */
  descriptors = new Map();
  /** @private The kernel's descriptors that listen. @type {Set<number>} */
  listeners = new Set();
  /** @private The socket whose TCP_INFO the code asks for. */
  last = -1;
  /** @private */
  port = DEFAULT_PORT;
  /** @private */
  congestion = 'cubic';
  /** @private The folder of the script's files, created with the first one. */
  folder = '';

  /**
   * @param {import('../../dist/lab/script/run.js').Ends} ends
   * @param {import('../../dist/lab/script/options.js').RunOptions} options throws Unsupported for
   *   options that the kernel does not have
   */
  constructor({ local, remote }, options) {
    if ((options.mss ?? 0) > 0)
      throw new Unsupported('--mss: without offloads segments arrive one by one here');
    this.local = local.address;
    this.remote = remote;
    this.options = options;
    this.port = options.bindPort ?? DEFAULT_PORT;
    for (const [name, value] of Object.entries(DEFAULTS)) set(name, value);
    ip('link set lo up');
    ip(`addr add ${local.toString()} dev tun0${this.local.version === 6 ? ' nodad' : ''}`);
    ip(`link set tun0 mtu ${options.mtu ?? DEFAULT_MTU} up`);
    this.#useCongestionControl('cubic');
    this.#wait(0);
  }

  // ---- Time -------------------------------------------------------------------------------------

  /** @param {number} to */
  pass(to) {
    return this.#wait(to) !== 'time';
  }

  /** Waits for one event, no later than `until`. @param {number} until */
  #wait(until) {
    writeSync(REQUESTS, `wait ${Math.ceil(until)}\n`);
    const [kind = '', at, ...words] = this.#line().split(' ');
    this.now = Number(at);
    if (kind === 'packet') {
      const bytes = Buffer.from(words[0] ?? '', 'hex');
      const packet = {
        way: /** @type {const} */ ('out'),
        at: this.now,
        slab: slabOf(bytes),
        length: bytes.length,
      };
      this.sent.push(packet);
      this.log.push(packet);
    } else if (kind === 'done') {
      const [id, value, errno, ...memory] = words;
      this.#account(Number(id), Number(value));
      this.done.set(Number(id), {
        value: Number(value),
        errno: Number(errno),
        memory: memory.map((hex) => Buffer.from(hex, 'hex')),
      });
    }
    return kind;
  }

  #line() {
    for (;;) {
      const end = this.rest.indexOf('\n');
      if (end >= 0) {
        const line = this.rest.slice(0, end);
        this.rest = this.rest.slice(end + 1);
        return line;
      }
      const chunk = Buffer.alloc(1 << 16);
      const n = readSync(ANSWERS, chunk);
      if (n === 0) throw new Error('kernel-world has ended: its last output is above');
      this.rest += chunk.toString('latin1', 0, n);
    }
  }

  // ---- The script's actions ---------------------------------------------------------------------

  /** @param {Slab} slab */
  inject(slab) {
    writeSync(REQUESTS, `send ${Buffer.from(slab.bytes).toString('hex')}\n`);
    this.log.push({ way: 'in', at: this.now, slab, length: slab.bytes.length });
  }

  /** @param {Call} call @returns {() => Result | null} */
  start(call) {
    const fd = (/** @type {number} */ script) =>
      this.descriptors.get(script) ?? (script < 0 ? script : CLOSED);
    const prepared = prepare(call, {
      local: this.local,
      remote: this.remote,
      bindPort: this.options.bindPort ?? DEFAULT_PORT,
      connectPort: this.options.connectPort ?? DEFAULT_PORT,
      v4Mapped: this.options.v4Mapped === true,
      fd,
      file: (path) => (path === '/dev/zero' ? path : this.#file(path)),
    });
    if (prepared.name === 'bind')
      this.#makeRoomForBind(fd(numberOf(call.args[0]) ?? -1), prepared.args[1]);
    this.underWay.set(this.calls, call);
    const id = this.#request(
      prepared.name,
      prepared.args,
      call.end === null ? AT_ONCE : FIRST_PART,
    );
    return () => {
      const got = this.done.get(id);
      if (got === undefined) return null;
      const errno = got.errno === 0 ? '' : (errnoNames.get(got.errno) ?? String(got.errno));
      const wrote = got.value >= 0 ? prepared.wrote?.(got.memory, got.value) : {};
      return { value: got.value, errno, ...wrote };
    };
  }

  /**
   * SO_REUSEADDR, as packetdrill sets it. @param {number} fd @param {string | number | undefined}
   * address
   */
  #makeRoomForBind(fd, address) {
    this.#request('setsockopt', [fd, 1, 2, 'b01000000', 4], AT_ONCE);
    this.port = Buffer.from(String(address).slice(1), 'hex').readUInt16BE(2);
  }

  /**
   * @param {string} name @param {(string | number)[]} args @param {number} patience microseconds
   *   @returns {number} its id
   */
  #request(name, args, patience) {
    const id = this.calls++;
    writeSync(REQUESTS, `call ${id} ${name} ${args.join(' ')}\n`);
    const until = clock() + patience;
    while (!this.done.has(id) && this.#wait(until) !== 'time');
    return id;
  }

  /**
   * Maps the script's descriptor to the kernel's, and records which was used last.
   * @param {number} id @param {number} value
   */
  #account(id, value) {
    const call = this.underWay.get(id);
    if (call === undefined || call.name === 'poll') return;
    const opens = /^(?:socket|accept4?|open|epoll_create1?)$/.test(call.name);
    const script = numberOf(opens ? call.result : call.args[0]) ?? -1;
    if (opens && value >= 0) this.descriptors.set(script, value);
    const real = this.descriptors.get(script) ?? -1;
    if (call.name === 'listen') this.listeners.add(real);
    if (!this.listeners.has(real) && !/^(?:open|epoll_\w+)$/.test(call.name)) this.last = real;
    if (call.name === 'close') this.descriptors.delete(script);
  }

  /** @param {readonly import('../../dist/lab/script/commands.js').Setting[]} settings */
  configure(settings) {
    for (const setting of settings) this.#set(setting);
  }

  /** @param {import('../../dist/lab/script/commands.js').Setting} s */
  #set(s) {
    switch (s.kind) {
      case 'sysctl':
        if (/tcp_congestion_control$/.test(s.path)) this.#useCongestionControl(s.value.trim());
        else set(s.path, s.value);
        return;
      case 'forget':
        return void ip('tcp_metrics flush all');
      case 'route':
        return this.#setRoute(
          s.words
            .slice(1)
            .filter(
              (word, i, all) =>
                !/^(?:via|dev)$/.test(word) && !/^(?:via|dev)$/.test(all[i - 1] ?? ''),
            ),
        );
      case 'queue':
        return tc(s.words.slice(1));
      case 'file':
        return this.#makeFile(s.path, s.bytes);
      default:
    }
  }

  counters() {
    return networkCounters();
  }

  /** The path of a file of the script, in a folder of its own. @param {string} path */
  #file(path) {
    if (this.folder === '') {
      const folder = mkdtempSync(join(tmpdir(), 'tcplab-script-'));
      this.folder = folder;
      process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    }
    return join(this.folder, encodeURIComponent(path));
  }

  /** Creates a file of zeros; null removes it. @param {string} path @param {number | null} size */
  #makeFile(path, size) {
    const file = this.#file(path);
    rmSync(file, { force: true });
    if (size === null) return;
    writeFileSync(file, '');
    truncateSync(file, size);
  }

  /**
   * Sets it for the route, because the sysctl's default belongs to the machine, and not every
   * namespace may change it. @param {string} name
   */
  #useCongestionControl(name) {
    this.congestion = name;
    this.#setRoute([]);
  }

  /** @param {readonly string[]} metrics */
  #setRoute(metrics) {
    const to = this.local.version === 4 ? '192.0.2.0/24' : 'fd3d:fa7b:d17d::/48';
    const congestion = metrics.includes('congctl') ? [] : ['congctl', this.congestion];
    const limit = metrics.includes('window') ? [] : windowLimit();
    ip(['route replace', to, 'dev tun0', ...congestion, ...limit, ...metrics].join(' '));
  }

  tcpInfo() {
    // Effects of the event before this one may not have arrived yet.
    for (const until = clock() + FIRST_PART; this.#wait(until) !== 'time';);
    const length = Buffer.alloc(4);
    length.writeInt32LE(TCP_INFO_BYTES);
    const id = this.#request(
      'getsockopt',
      [this.last, 6, 11, `o${TCP_INFO_BYTES}`, `b${length.toString('hex')}`],
      AT_ONCE,
    );
    const got = this.done.get(id);
    return got?.value === 0 && got.memory[0] !== undefined ? parseTcpInfo(got.memory[0]) : null;
  }

  listeningPort() {
    return this.port;
  }

  mssOf() {
    return 0;
  }

  tcb() {
    return null;
  }
}

/** @param {string} text with spaces between the arguments */
const ip = (text) => execFileSync('ip', text.split(' '));

/** @param {readonly string[]} words */
function tc(words) {
  try {
    execFileSync('tc', words, { stdio: 'ignore' });
  } catch {
    // There is nothing to delete. A shell would continue after this error, too.
    if (/^del/.test(words[1] ?? '')) return;
    // A script has `|| true` after commands that may be missing.
    throw new Unsupported(`this machine does not support 'tc ${words.join(' ')}'`);
  }
}

/**
 * If the machine allows larger receive buffers than tcp_rmem, its kernel announces a larger window
 * scale than the scripts expect. So the route limits the window to the largest one that the
 * scripts' scale can express.
 */
function windowLimit() {
  const scripts = scaleOf(Number(DEFAULTS.tcp_rmem.split(' ')[2]));
  return scaleOf(wholeMachinesRmemMax()) > scripts ? ['window', `${WINDOW_LIMIT << scripts}`] : [];
}

const clock = () => Number(process.hrtime.bigint() / 1000n);

/** @param {Buffer} bytes */
function slabOf(bytes) {
  const slab = new Slab(bytes.length);
  slab.bytes.set(bytes);
  return slab;
}

/**
 * @param {string} path as in a script, or the name after net.ipv4. @param {string} value
 */
function set(path, value) {
  if (/^\/?sys\/module\//.test(path)) return checkModule(path, value);
  const name = path.replace(/^\/?(?:proc\/sys\/)?/, '').replaceAll('/', '.');
  const full = name.startsWith('net.') ? name : `net.ipv4.${name}`;
  const file = `/proc/sys/${full.replaceAll('.', '/')}`;
  if (!existsSync(file)) throw new Unsupported(`this kernel, or a namespace of it, has no ${path}`);
  try {
    writeFileSync(file, value);
  } catch (error) {
    throw new Unsupported(
      `this kernel rejects ${path}=${value}: ${/** @type {Error} */ (error).message}`,
    );
  }
}

/**
 * The parameter of a module applies to the whole machine, and is not changed. @param {string} path
 * @param {string} value
 */
function checkModule(path, value) {
  const now = existsSync(path) ? readFileSync(path, 'latin1').trim() : 'not there';
  if (now !== value.trim())
    throw new Unsupported(`${path} is ${now} on this machine, and not ${value.trim()}`);
}
