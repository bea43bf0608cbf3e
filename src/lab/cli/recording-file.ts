/**
 * The file of `--record`. A full disk ends it behind the last whole block, and is told in one line
 * on standard error; the stack goes on.
 */
import type { HostOptions } from '../../node/host.js';
import type { SharedOptions } from './options.js';
import { Output } from './output.js';

/** Recordings have payloads and the secret of the stack, so only their owner may read them. */
const OWNER_ONLY = 0o600;

export class RecordingFile {
  readonly hostOptions: Pick<HostOptions, 'record' | 'recordOptions'>;
  private readonly output: Output;

  private constructor(path: string, snap: number | undefined) {
    this.output = Output.file(path, OWNER_ONLY);
    this.hostOptions = {
      record: (chunk) => {
        this.output.write(chunk);
      },
      recordOptions: snap === undefined ? {} : { snap },
    };
  }

  /** Null without `--record`. Throws CommandError when the file cannot be made. */
  static of(o: SharedOptions): RecordingFile | null {
    return o.record === undefined ? null : new RecordingFile(o.record, o.recordSnap);
  }

  close(): void {
    this.output.close();
  }
}
