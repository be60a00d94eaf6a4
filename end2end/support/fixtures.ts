// `import { test, expect } from '../support/fixtures.ts'`: Playwright's test with our server, mail box and helpers.
import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mailsTo, type Mail } from './smtp.ts';
import { readState, resultsFolder, type Role, type State } from './state.ts';

interface WorkerFixtures {
  /** Where the server is and what the demo made. */
  app: State;
}

interface Fixtures {
  /** Waits for the first mail to the address that fits. */
  mailTo: (address: string, fits?: (mail: Mail) => boolean) => Promise<Mail>;
  /** Signs in by the form, as a person does. */
  signIn: (page: Page, role: Role) => Promise<void>;
  /** Opens a page of the CMS and waits until its script has taken over. */
  openAlive: (page: Page, path: string) => Promise<void>;
  /** No violation that axe can find, on the page as it is now. */
  expectAccessible: (page: Page) => Promise<void>;
  /** A picture of the whole page for people to look at: test-results/screens/PROJECT/NAME.png */
  keepPicture: (page: Page, name: string) => Promise<void>;
  /** Messages in the console that this test expects; any other error fails it. */
  expectedErrors: RegExp[];
  noErrors: void;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  app: [async ({}, use) => use(readState()), { scope: 'worker' }],

  baseURL: async ({ app }, use) => use(app.url),

  mailTo: async ({ app }, use) => {
    await use(async (address, fits = () => true) => {
      let found: Mail | undefined;
      await expect
        .poll(async () => (found = (await mailsTo(app.mail, address)).find(fits)) !== undefined, {
          message: `a mail to ${address}`,
          timeout: 30_000,
        })
        .toBe(true);
      return found!;
    });
  },

  signIn: async ({ app }, use) => {
    await use(async (page, role) => {
      const user = app.demo.users.find((user) => user.role === role);
      if (!user) throw new Error(`the demo has no ${role}`);
      await page.goto('/cms/sign-in');
      await page.locator('input[type="email"]').fill(user.email);
      await page.locator('input[type="password"]').fill(user.password);
      await page.locator('form button[type="submit"]').first().click();
      await page.waitForURL((url) => url.pathname.startsWith('/cms') && url.pathname !== '/cms/sign-in');
    });
  },

  openAlive: async ({}, use) => {
    await use(async (page, path) => {
      await page.goto(path);
      await expect(page.locator('html[data-alive]')).toBeAttached();
    });
  },

  expectAccessible: async ({}, use, info) => {
    await use(async (page) => {
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      await info.attach('axe', { body: JSON.stringify(violations, null, 2), contentType: 'application/json' });
      const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map((node) => node.html).join('\n  ')}`);
      expect(found, `axe on ${page.url()}`).toEqual([]);
    });
  },

  keepPicture: async ({}, use, info) => {
    await use(async (page, name) => {
      const folder = join(resultsFolder, 'screens', info.project.name);
      mkdirSync(folder, { recursive: true });
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true, animations: 'disabled' });
    });
  },

  expectedErrors: async ({}, use) => use([]),

  // A refused style, a hydration mismatch or a panic shows itself in the console and nowhere else.
  noErrors: [
    async ({ page, expectedErrors }, use) => {
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        // The browser's own note of a 4xx answer; tests look at the answer itself.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
          errors.push(message.text());
        }
      });
      await use();
      expect(errors.filter((text) => !expectedErrors.some((expected) => expected.test(text)))).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect } from '@playwright/test';
