import { until } from '../support/until.ts';
import type { Tab } from './engine.ts';

/**
 * Runs before anything else on each page, and records its errors, because each engine reports them in another way. A reload
 * must not lose them.
 */
export const WATCHING = `
  const complain = (what) => {
    const complaints = JSON.parse(sessionStorage.getItem('complaints') ?? '[]');
    sessionStorage.setItem('complaints', JSON.stringify([...complaints, String(what)]));
  };
  addEventListener('error', ({ message, target }) => complain(message ?? 'not loaded: ' + (target.src ?? target.href)), true);
  addEventListener('unhandledrejection', ({ reason }) => complain(reason));
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => complain(violatedDirective + ' ' + blockedURI));
  const { error } = console;
  console.error = (...words) => { complain(words.join(' ')); error(...words); };
`;

const LOOK_EVERY_MS = 50; // each check costs the browser some work

/** A chat in a tab, as its reader sees it. */
export class ChatTab {
  readonly tab: Tab;

  constructor(tab: Tab) {
    this.tab = tab;
  }

  async open(address: string): Promise<this> {
    await this.tab.goto(address);
    await this.isReady();
    return this;
  }

  /** Resolves when the page has loaded the history and everything after it: a test may stop the server next. */
  async isReady(): Promise<void> {
    await this.sees('the history', `document.querySelector('[role=log][aria-live=polite]')`);
    await this.sees('the rest', `[...document.styleSheets].some(({ href }) => href?.endsWith('/later.css'))`);
  }

  /** Resolves when the expression is true. */
  sees(what: string, expression: string, withinMs?: number): Promise<boolean> {
    const look = () => this.tab.evaluate<boolean>(`Boolean(${expression})`).catch(() => false); // a page that is still loading
    return until(what, look, withinMs, LOOK_EVERY_MS);
  }

  async shows(...texts: string[]): Promise<void> {
    for (const text of texts) await this.sees(`“${text}” shown`, `${TEXTS}.includes(${JSON.stringify(text)})`);
  }

  /** The texts of all messages, from the top. */
  texts(): Promise<string[]> {
    return this.tab.evaluate(TEXTS);
  }

  says(wording: string): Promise<boolean> {
    return this.sees(`“${wording}”`, `document.body.innerText.includes(${JSON.stringify(wording)})`);
  }

  banner(): Promise<string> {
    return this.tab.evaluate(`document.querySelector('.banner')?.innerText.trim() ?? ''`);
  }

  /** Types with real key presses, without pauses. */
  async write(text: string): Promise<void> {
    await this.tab.evaluate(`document.querySelector('textarea').focus()`);
    await this.tab.type(`${text}\n`);
  }

  /** Chooses a picture for the next message. Resolves when it is in the tray. */
  async attachPicture(name: string, width: number, height: number): Promise<void> {
    await this.tab.evaluate(`(async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} });
      canvas.getContext('2d').fillRect(0, 0, ${width}, ${height});
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg'));
      const data = new DataTransfer();
      data.items.add(new File([blob], ${JSON.stringify(name)}, { type: blob.type }));
      const input = [...document.querySelectorAll('input[type=file]')].at(-1);
      input.files = data.files;
      input.dispatchEvent(new Event('change'));
    })()`);
    await this.sees(`${name} in the tray`, `document.querySelector('.tray .size')`);
  }

  async look(how: 'at it' | 'away'): Promise<void> {
    await this.tab.evaluate(`(() => {
      for (const [name, value] of [['hidden', ${how === 'away'}], ['visibilityState', ${how === 'away'} ? 'hidden' : 'visible']])
        Object.defineProperty(document, name, { configurable: true, get: () => value });
      document.hasFocus = () => ${how === 'at it'}; // only one of several windows has the focus
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
  }

  /** Errors on its pages since the last call. */
  async takeComplaints(): Promise<string[]> {
    const kept = await this.tab.evaluate<string>(`sessionStorage.getItem('complaints') ?? '[]'`);
    await this.tab.evaluate(`sessionStorage.removeItem('complaints')`);
    return JSON.parse(kept) as string[];
  }
}

const TEXTS = `[...document.querySelectorAll('[role=log] li p')].map((row) => row.innerText)`;
