/** An explanation as text for a terminal, and as Markdown for an incident note. */
import type { Anomaly, Explanation, LimitShare } from './parts.js';
import { duration, percent } from './names.js';

const QUESTION_COLUMNS = 32;

export function explanationText(e: Explanation, columns = 100): string {
  const lines: string[] = [];
  const say = (text: string, indent = 2): void => {
    lines.push(...wrapText(text, columns, indent));
  };
  lines.push(`Stream ${e.stream}: ${e.client} -> ${e.server}, frames ${e.frames.join(' to ')}`);
  say(`${e.summary}.`);
  for (const { question, answer } of e.answers)
    lines.push(
      ...wrapText(question.padEnd(QUESTION_COLUMNS) + answer, columns, 2, QUESTION_COLUMNS + 2),
    );
  section('Handshake', e.handshake);
  section('Where the time went', e.limits.map(limitLine));
  section(
    'What stands out',
    e.suspicions.map(({ text, section: rfc }) => `${text} (${rfc}).`),
  );
  section("Anomalies, by Wireshark's names", e.anomalies.map(anomalyLine));
  section('The end', [
    ...e.ending,
    `States at the end of the capture: client ${e.states.client}, server ${e.states.server}.`,
  ]);
  section('What to try next', e.next);
  return `${lines.join('\n')}\n`;

  function section(title: string, texts: readonly string[]): void {
    if (texts.length === 0) return;
    lines.push('', title);
    for (const text of texts) lines.push(...wrapText(`- ${text}`, columns, 2, 4));
  }
}

function limitLine({ limit, sender, seconds, share, text }: LimitShare): string {
  return `${duration(seconds * 1e9)} (${percent(share)}) ${limit}, ${sender}: ${text}.`;
}

function anomalyLine(a: Anomaly): string {
  const frames =
    a.count === 1 ? `frame ${a.firstFrame}` : `frames ${a.firstFrame} to ${a.lastFrame}`;
  return (
    `${a.title}, ${a.count} x from the ${a.from} (${frames}; ${a.field}): ${a.meaning} ` +
    `(${a.section}).`
  );
}

export function explanationMarkdown(e: Explanation): string {
  const lines = [
    `## ${e.client} → ${e.server} (stream ${e.stream})`,
    '',
    `${e.summary}.`,
    '',
    '| question | answer |',
    '| --- | --- |',
    ...e.answers.map(({ question, answer }) => `| ${question} | ${cell(answer)} |`),
    ...list('Handshake', e.handshake),
    '',
    '### Where the time went',
    '',
    '| time | share | limited by | sender | why |',
    '| ---: | ---: | --- | --- | --- |',
    ...e.limits.map(
      (l) =>
        `| ${duration(l.seconds * 1e9)} | ${percent(l.share)} | ${l.limit} | ${l.sender} | ` +
        `${cell(l.text)} |`,
    ),
    ...list(
      'What stands out',
      e.suspicions.map(({ text, section }) => `${text} (${section}).`),
    ),
    ...anomalyTable(e.anomalies),
    ...list('The end', e.ending),
    ...list('What to try next', e.next),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function anomalyTable(anomalies: readonly Anomaly[]): string[] {
  if (anomalies.length === 0) return [];
  return [
    '',
    "### Anomalies, by Wireshark's names",
    '',
    '| Wireshark | filter | from | count | first frame | meaning |',
    '| --- | --- | --- | ---: | ---: | --- |',
    ...anomalies.map(
      (a) =>
        `| ${a.title} | \`${a.field}\` | ${a.from} | ${a.count} | ${a.firstFrame} | ` +
        `${cell(a.meaning)} (${a.section}) |`,
    ),
  ];
}

const list = (title: string, texts: readonly string[]): string[] =>
  texts.length === 0 ? [] : ['', `### ${title}`, '', ...texts.map((text) => `- ${text}`)];

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Wraps at spaces: the first line is indented by `indent`, the others by `hanging`. */
export function wrapText(text: string, columns: number, indent = 0, hanging = indent): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  let isEmpty = true;
  for (const [, spaces = '', word = ''] of text.matchAll(/( *)([^ ]+)/g)) {
    if (!isEmpty && line.length + spaces.length + word.length > columns) {
      lines.push(line);
      line = ' '.repeat(hanging) + word;
    } else line += isEmpty ? word : spaces + word;
    isEmpty = false;
  }
  return isEmpty ? lines : [...lines, line];
}
