/**
 * What the user called (RFC 9293 section 3.9.1), for observers: SEND, RECEIVE, CLOSE and ABORT by
 * the names of the methods of `Connection`, and the options of Linux's setsockopt.
 */
import type { Bytes } from '../base/units.js';

export type UserCall =
  /** SEND: `taken` of `bytes` bytes fit into the send buffer. */
  | { readonly call: 'send'; readonly bytes: Bytes; readonly taken: Bytes }
  /** SEND without a copy: all of it, or `taken` is 0. */
  | { readonly call: 'sendZeroCopy'; readonly bytes: Bytes; readonly taken: Bytes }
  /** RECEIVE: the user took `bytes` bytes. A call that finds nothing is not reported. */
  | { readonly call: 'receive'; readonly bytes: Bytes }
  /** CLOSE: nothing more will be sent. */
  | { readonly call: 'shutdown' }
  /** close(2): the user will neither send nor receive. */
  | { readonly call: 'release' }
  | { readonly call: 'abort' }
  /**
   * setsockopt: `option` by Linux's name, such as `TCP_NODELAY`. `value` as the method takes it:
   * times in microseconds, sizes in bytes; null stands for no limit.
   */
  | {
      readonly call: 'setsockopt';
      readonly option: string;
      readonly value: number | boolean | string | null;
    };
