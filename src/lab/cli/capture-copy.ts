/** Writes chosen packets of a capture to another file, with their interfaces and comments. */
import type { CapturedPacket, CaptureInterface } from '../../capture/packet.js';
import {
  enhancedPacket,
  interfaceDescription,
  sectionHeader,
} from '../../capture/pcapng-writer.js';
import { version } from '../../node/version.js';
import { Output } from './output.js';

export class CaptureCopy {
  private readonly output: Output;
  /** Interfaces that were written. */
  private written = 0;

  /** `-` is standard output. Throws CommandError if the file cannot be created. */
  constructor(path: string) {
    this.output = path === '-' ? Output.standardOutput() : Output.file(path);
    this.output.write(sectionHeader(`tcplab ${version}`));
  }

  add(packet: CapturedPacket, interfaces: readonly CaptureInterface[]): void {
    for (; this.written < interfaces.length; this.written++) {
      const { name, description, linkType, snapLength } = interfaces[this.written]!;
      this.output.write(interfaceDescription({ name, description, linkType, snapLength }));
    }
    this.output.write(enhancedPacket(packet));
  }

  close(): void {
    this.output.close();
  }
}
