/**
 * Control messages of recvmsg(): what Linux writes into msg_control, and what a script says of it.
 */
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { fieldOf, numberOf, Unsupported } from './values.js';

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: number;
}

/** What there is is TCP_CM_INQ; other kinds are those of features that are not built. */
const TCP_CM_INQ = { level: CONSTANTS['SOL_TCP']!, type: CONSTANTS['TCP_CM_INQ']! };

/** TCP_INQ: how many bytes can be read. */
export const queueMessage = (data: number): ControlMessage => ({ ...TCP_CM_INQ, data });

/** The messages that the script writes; none where it says `...`, or nothing. */
export function controlOf(message: Expression | undefined): readonly Expression[] {
  const control = fieldOf(message, 'msg_control');
  return control?.kind === 'list' ? control.items : [];
}

/** Is there room for them? */
export const wantsControl = (message: Expression | undefined): boolean =>
  controlOf(message).length > 0;

/** As one text each, in their order; throws Unsupported for a kind that never comes here. */
export function controlText(e: Expression): string {
  const [level, type] = [numberOf(fieldOf(e, 'cmsg_level')), numberOf(fieldOf(e, 'cmsg_type'))];
  if (level !== TCP_CM_INQ.level || type !== TCP_CM_INQ.type)
    throw new Unsupported(`control messages other than TCP_CM_INQ are not known: ${WHY}`);
  return messageText({ level, type, data: numberOf(fieldOf(e, 'cmsg_data')) ?? 0 });
}

const WHY = 'they belong to SO_TIMESTAMPING, MSG_ZEROCOPY and IP_RECVERR, which are not built';

export const messageText = ({ data }: ControlMessage): string => `TCP_CM_INQ ${data}`;
