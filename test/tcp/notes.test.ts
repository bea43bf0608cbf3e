/** Notes: made for an observer only, as plain data. test/observe tests their sentences. */
import { afterEach, expect, it, vi } from 'vitest';
import { Recorder } from '../../src/observe/recorder.js';
import type { Note } from '../../src/tcp/notes.js';
import { Tcb } from '../../src/tcp/tcb.js';
import { converse, START } from '../observe/conversation.js';

const LOSSY = { link: 'drop out:data:3 delay 5ms' };

afterEach(() => vi.restoreAllMocks());

it('without an observer no note is made', () => {
  const made = vi.spyOn(Tcb.prototype, 'note');
  converse(LOSSY);
  expect(made).not.toHaveBeenCalled();
  converse({ ...LOSSY, observer: new Recorder(() => {}, START) });
  expect(made).toHaveBeenCalled();
});

it('each kind has its own fields, and the recorder passes it on unchanged', () => {
  const notes: Note[] = [];
  const recorder = new Recorder((e) => {
    if (e.name === 'tcp:note') notes.push(e.data);
  }, START);
  converse({ ...LOSSY, observer: recorder });
  const first = (name: Note['note']): Note | undefined => notes.find((n) => n.note === name);
  expect(first('iss-chosen')).toEqual({ note: 'iss-chosen', iss: 0xfffffff0 });
  expect(first('options-agreed')).toEqual({
    note: 'options-agreed',
    mss: 1448,
    windowScaling: true,
    sndWscale: 5,
    rcvWscale: 5,
  });
  expect(first('rto-retransmit')).toMatchObject({ timeouts: 1 });
  expect(first('ca-state')).toEqual({ note: 'ca-state', state: 'Loss', before: 'Open' });
  expect(JSON.parse(JSON.stringify(notes))).toEqual(notes);
});
