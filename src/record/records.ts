/**
 * The records of a recording: their numbers, names and fields. The writer, the reader and
 * docs/recording.md follow this table.
 *
 * There are four kinds:
 *
 *   input    a call into the stack: by its device, its owner or a user. A call that comes while the
 *            stack itself is calling has NESTED set in its first byte.
 *   output   the stack called its device or a user. A replay must do the same.
 *   answer   what the stack got back: a random number, what a user returned or threw.
 *   mark     the end of a step, a hash of the state.
 *
 * Numbers are never reused, and fields are only added in a new version (recording.md).
 */

/**
 * How a field is stored. `time`: microseconds, as the difference to the last one. `payload`: bytes
 * of the user, perhaps cut by the snap length. `connection`, `listener`, `socket`: a number, in the
 * order in which the recorded stack made them.
 */
export type Field =
  | 'time'
  | 'number'
  | 'flag'
  | 'bytes'
  | 'payload'
  | 'text'
  | 'json'
  | 'connection'
  | 'listener'
  | 'socket'
  | 'packet'
  | 'headers';

export type RecordKind = 'input' | 'output' | 'answer' | 'mark';

export interface RecordType {
  readonly op: number;
  readonly name: string;
  readonly kind: RecordKind;
  readonly fields: readonly Field[];
}

/** Set in the first byte of an input that comes while the stack is calling its user or device. */
export const NESTED = 0x80;

const types: RecordType[] = [];

function define(op: number, kind: RecordKind, name: string, ...fields: Field[]): number {
  types[op] = { op, name, kind, fields };
  return op;
}

/** Each record by its name in code. */
export const Op = {
  // The stack's life, its device and its owner.
  construct: define(1, 'input', 'construct'),
  packet: define(2, 'input', 'packet', 'time', 'packet'),
  batchEnd: define(3, 'input', 'batchEnd', 'time'),
  deviceError: define(4, 'input', 'deviceError', 'text', 'text', 'flag', 'time'),
  deviceDrop: define(5, 'input', 'deviceDrop', 'number', 'number', 'time'),
  run: define(6, 'input', 'run', 'time'),
  timeout: define(7, 'input', 'onTimeout', 'time'),
  close: define(8, 'input', 'close', 'time'),
  wake: define(9, 'input', 'wake', 'connection'),
  // The user's calls.
  listen: define(10, 'input', 'listen', 'json'),
  connect: define(11, 'input', 'connect', 'json', 'time'),
  bindUdp: define(12, 'input', 'bindUdp', 'json'),
  ping: define(13, 'input', 'ping', 'text', 'number', 'number', 'payload', 'time', 'number'),
  setPingUser: define(14, 'input', 'pingUser', 'flag'),
  setNeighbours: define(15, 'input', 'neighbours', 'flag'),
  setTypeOfService: define(16, 'input', 'setTypeOfService', 'connection', 'number'),
  setMtuDiscover: define(17, 'input', 'setMtuDiscover', 'connection', 'number', 'time'),
  forgetMetrics: define(18, 'input', 'forgetMetrics'),
  setDropsOutput: define(19, 'input', 'setDropsOutput', 'flag'),
  kill: define(20, 'input', 'kill', 'connection', 'time'),
  listenerAccept: define(21, 'input', 'accept', 'listener'),
  listenerClose: define(22, 'input', 'closeListener', 'listener', 'time'),
  udpSend: define(23, 'input', 'sendUdp', 'socket', 'payload', 'text', 'number', 'time', 'text'),
  udpClose: define(24, 'input', 'closeUdp', 'socket'),
  udpMtuDiscover: define(25, 'input', 'setUdpMtuDiscover', 'socket', 'number'),
  // A connection's calls.
  send: define(32, 'input', 'send', 'connection', 'payload', 'flag', 'flag'),
  sendZeroCopy: define(33, 'input', 'sendZeroCopy', 'connection', 'payload'),
  receive: define(34, 'input', 'receive', 'connection'),
  keepLent: define(35, 'input', 'keepLent', 'connection', 'flag'),
  setUser: define(36, 'input', 'user', 'connection', 'flag'),
  shutdown: define(37, 'input', 'shutdown', 'connection', 'time'),
  release: define(38, 'input', 'release', 'connection', 'time'),
  abort: define(39, 'input', 'abort', 'connection', 'time', 'text'),
  raise: define(40, 'input', 'raise', 'connection', 'number'),
  takeEvents: define(41, 'input', 'takeEvents', 'connection'),
  sendUrgent: define(42, 'input', 'sendUrgent', 'connection', 'payload'),
  receiveUrgent: define(43, 'input', 'receiveUrgent', 'connection', 'flag'),
  setUrgentInline: define(44, 'input', 'setUrgentInline', 'connection', 'flag'),
  setNoDelay: define(45, 'input', 'setNoDelay', 'connection', 'flag'),
  setCork: define(46, 'input', 'setCork', 'connection', 'flag'),
  setNotSentLowat: define(47, 'input', 'setNotSentLowat', 'connection', 'number'),
  setQuickAck: define(48, 'input', 'setQuickAck', 'connection', 'flag'),
  setCongestionControl: define(49, 'input', 'setCongestionControl', 'connection', 'text', 'time'),
  setMaxSegment: define(50, 'input', 'setMaxSegment', 'connection', 'number'),
  setReceiveBuffer: define(51, 'input', 'setReceiveBuffer', 'connection', 'number'),
  setSendBuffer: define(52, 'input', 'setSendBuffer', 'connection', 'number'),
  setWindowClamp: define(53, 'input', 'setWindowClamp', 'connection', 'number'),
  setKeepAlive: define(
    54,
    'input',
    'setKeepAlive',
    'connection',
    'flag',
    'time',
    'number',
    'number',
    'number',
  ),
  setUserTimeout: define(55, 'input', 'setUserTimeout', 'connection', 'number'),
  setSynRetries: define(56, 'input', 'setSynRetries', 'connection', 'number'),
  setMaxRto: define(57, 'input', 'setMaxRto', 'connection', 'number'),
  setSoftErrorReports: define(58, 'input', 'setSoftErrorReports', 'connection', 'flag'),
  setLinger: define(59, 'input', 'setLinger', 'connection', 'flag', 'number'),
  setLinger2: define(60, 'input', 'setLinger2', 'connection', 'number'),
  // What the stack did.
  sent: define(80, 'output', 'sent', 'headers'),
  deviceTimeout: define(81, 'output', 'deviceTimeout'),
  told: define(82, 'output', 'tcpEvents', 'connection', 'number'),
  accepts: define(83, 'output', 'tcpAccept', 'listener', 'connection'),
  datagram: define(84, 'output', 'udpDatagram', 'socket', 'number'),
  udpError: define(85, 'output', 'udpError', 'socket', 'text'),
  pong: define(86, 'output', 'pingAnswer', 'text', 'number', 'number'),
  offers: define(87, 'output', 'offer', 'number'),
  // What it got back.
  int32: define(100, 'answer', 'int32', 'number'),
  float: define(101, 'answer', 'float', 'number'),
  returned: define(102, 'answer', 'returned', 'flag'),
  threw: define(103, 'answer', 'threw', 'number'),
  mayAnswer: define(104, 'answer', 'mayAnswer', 'number'),
  detached: define(105, 'answer', 'detached', 'number'),
  mtu: define(106, 'answer', 'mtu', 'number'),
  // Marks.
  end: define(120, 'mark', 'end'),
  hash: define(121, 'mark', 'hash', 'number'),
} as const;

/** The record type of `op`; undefined for a number that there is not. */
export const recordType = (op: number): RecordType | undefined => types[op];

export const RECORD_TYPES: readonly RecordType[] = types.filter((type) => type !== undefined);
