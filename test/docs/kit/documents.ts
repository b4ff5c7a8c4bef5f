import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { Marked, type Token, type Tokens } from 'marked';
import { PACKAGE_DIR } from '../../support/built-package.ts';

/** A fenced block. `name` is its first line, which tests and `commands.ts` use. */
export interface Block {
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

export interface Document {
  /** Its path from the root of the repository: `docs/http-api.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** All links as they are written, with those of pictures. */
  readonly links: readonly string[];
  /** The anchors that `#…` may name. */
  readonly anchors: ReadonlySet<string>;
}

const NOT_OURS = new Set(['node_modules', 'dist', 'mailboxes', 'coverage', '.git']);

/** Every Markdown file of the repository. */
export function documents(): Document[] {
  return markdownFiles(PACKAGE_DIR).map((path) => document(relative(PACKAGE_DIR, path)));
}

export function document(path: string): Document {
  const text = readFileSync(join(PACKAGE_DIR, path), 'utf8');
  const tokens = new Marked().lexer(text);
  const slugger = new GithubSlugger();
  const blocks: Block[] = [];
  const links: string[] = [];
  const anchors = new Set<string>();
  // It returns promises only for callbacks that return some, and this one does not.
  void new Marked().walkTokens(tokens, (token) => {
    if (isHeading(token)) anchors.add(slugger.slug(plainText(token.tokens)));
    else if (isLink(token)) links.push(token.href);
    else if (isCode(token)) blocks.push(blockOf(token));
  });
  return { path, text, blocks, links, anchors };
}

/** The block that begins with this line. */
export function block(path: string, name: string): Block {
  const found = document(path).blocks.find((each) => each.name === name);
  if (!found) throw new Error(`${path} has no block that begins with: ${name}`);
  return found;
}

/** Whether there is such a file or directory in the repository. */
export function isThere(path: string): boolean {
  return existsSync(join(PACKAGE_DIR, path));
}

function blockOf({ lang = '', text }: Tokens.Code): Block {
  return { name: text.trimStart().split('\n')[0]!.trim(), language: lang.split(/\s/)[0]!, code: text };
}

function markdownFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The text of a heading without its marks: what an anchor is made of. */
function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) => {
      if ('tokens' in token && token.tokens) return plainText(token.tokens);
      return 'text' in token ? String(token.text) : '';
    })
    .join('');
}

function isHeading(token: Token): token is Tokens.Heading {
  return token.type === 'heading';
}

function isLink(token: Token): token is Tokens.Link | Tokens.Image {
  return token.type === 'link' || token.type === 'image';
}

function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}
