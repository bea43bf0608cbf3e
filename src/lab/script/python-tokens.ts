/**
 * Splits the code of a packet script into statements, and statements into words. A quoted string is
 * one word.
 */

const STRING = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`;
const NUMBER = String.raw`0x[0-9a-fA-F]+|\d+\.?\d*|\.\d+`;
const ASSIGNMENT = String.raw`(?:\*\*|\/\/|<<|>>|[-+*/%&|^])=(?!=)`;
const OPERATOR = String.raw`==|!=|<=|>=|${ASSIGNMENT}|\/\/|\*\*|<<|>>|[-+*/%()<>,=&|^~\[\]]`;
const TOKEN = new RegExp(String.raw`\s*(${NUMBER}|[A-Za-z_]\w*|${STRING}|${OPERATOR})`, 'y');
/** The pieces that decide where a statement ends. */
const PIECE = new RegExp(String.raw`${STRING}|#[^\n]*|\\\n|[^]`, 'g');

/** Statements end with a line or a semicolon, but not inside parentheses; `#` begins a comment. */
export function statements(text: string): string[] {
  const found = [''];
  let depth = 0;
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece === '(' || piece === '[') depth++;
    else if (piece === ')' || piece === ']') depth--;
    if (piece.startsWith('#')) continue;
    if (depth === 0 && (piece === '\n' || piece === ';')) found.push('');
    else found[found.length - 1] += piece === '\\\n' ? ' ' : piece;
  }
  return found.map((statement) => statement.trim()).filter((statement) => statement !== '');
}

/** The words of a statement; null if one of them is not supported. */
export function tokensOf(statement: string): string[] | null {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < statement.length) {
    const match = TOKEN.exec(statement);
    if (match === null) return null;
    tokens.push(match[1]!);
  }
  return tokens;
}
