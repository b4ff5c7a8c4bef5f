import { openFirefox } from './bidi.ts';
import { openChromium } from './chromium.ts';
import { openWithDriver, withScreen } from './web-driver.ts';

/** A page in any browser, with only what the tests need. */
export interface Tab {
  goto(address: string): Promise<void>;
  back(): Promise<void>;
  /** The value of a JavaScript expression, or what its promise resolves to. It is passed as JSON. */
  evaluate<T = unknown>(expression: string): Promise<T>;
  /** Presses a key for each character, where the focus is. `\n` is Enter. */
  type(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface Browser {
  newTab(): Promise<Tab>;
  /** All its processes, parents first. */
  processes(): number[];
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** The programs that must be installed. */
  readonly needs: readonly string[];
  open(): Promise<Browser>;
}

export const CHROMIUM: Engine = { name: 'Chromium', needs: ['chromium'], open: openChromium };

export const FIREFOX: Engine = { name: 'Firefox', needs: ['firefox-esr'], open: openFirefox };

const MINI_BROWSER = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';

export const WEBKIT: Engine = {
  name: 'WebKit',
  needs: ['WebKitWebDriver', MINI_BROWSER, 'Xvfb'],
  open: () =>
    withScreen((DISPLAY) =>
      openWithDriver(
        'WebKitWebDriver',
        { 'webkitgtk:browserOptions': { binary: MINI_BROWSER, args: ['--automation'] } },
        // WebKit's sandbox needs privileges that a container does not have.
        { DISPLAY, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', LANG: 'en_US.UTF-8' },
      ),
    ),
};
