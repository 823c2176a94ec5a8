/**
 * Java's properties syntax, in which Kafka's configuration files are written: `name=value`, `name: value` or
 * `name value`; lines that start with `#` or `!` are comments; a backslash at the end of a line continues it, elsewhere
 * it escapes (`\t`, `\n`, `\r`, `\f`, `\uXXXX`, any other character itself). A name given twice: the last one counts.
 *
 * Any thread; pure.
 */

export interface PropertyEntry {
  readonly name: string;
  readonly value: string;
  /** 1-based line of the file on which the entry starts. */
  readonly line: number;
}

/** All entries in order, repeated names too. Never fails: a malformed `\u` escape stands for itself. */
export function parseProperties(text: string): PropertyEntry[] {
  const entries: PropertyEntry[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    let logical = trimStart(lines[index]!);
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
    while (endsInContinuation(logical)) {
      index++;
      logical = logical.slice(0, -1) + trimStart(lines[index] ?? '');
      if (index >= lines.length) break;
    }
    const { name, value } = splitEntry(logical);
    entries.push({ name: unescapeText(name), value: unescapeText(value), line });
  }
  return entries;
}

function trimStart(text: string): string {
  return text.replace(/^[ \t\f]+/, '');
}

/** An odd number of backslashes at the end. */
function endsInContinuation(text: string): boolean {
  let count = 0;
  while (count < text.length && text.charCodeAt(text.length - 1 - count) === 0x5c) count++;
  return count % 2 === 1;
}

/** The name ends at the first unescaped blank, `=` or `:`; one of the latter two may follow among blanks. */
function splitEntry(text: string): { name: string; value: string } {
  let at = 0;
  while (at < text.length && !/[ \t\f=:]/.test(text[at]!)) at += text[at] === '\\' ? 2 : 1;
  const rest = trimStart(text.slice(at));
  const value = /^[=:]/.test(rest) ? trimStart(rest.slice(1)) : rest;
  return { name: text.slice(0, at), value };
}

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([\s\S]?))/g, (_match, code, character) =>
    code === undefined
      ? (ESCAPED[character as string] ?? (character as string))
      : String.fromCharCode(Number.parseInt(code as string, 16)),
  );
}
