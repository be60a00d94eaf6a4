// Every page is there, hydrates without a word in the console, and axe finds nothing.
import { expect, test } from '../support/fixtures.ts';

// Taking a picture asks every frame a question by script; the preview's sandbox refuses and says so. The page itself
// sends no script into it.
test.use({ expectedErrors: [/^Blocked script execution in '[^']*\/cms\/preview\//] });

const signedOut = {
  'sign-in': '/cms/sign-in',
  forgot: '/cms/forgot',
};

const pages = (event: string) => ({
  overview: '/cms/overview',
  events: '/cms/events',
  'new-event': '/cms/events/new',
  captures: `/cms/events/${event}`,
  settings: `/cms/events/${event}/settings`,
  branding: `/cms/events/${event}/branding`,
  design: `/cms/events/${event}/design`,
  devices: `/cms/events/${event}/devices`,
  messages: '/cms/messages',
  people: '/cms/people',
  tokens: '/cms/tokens',
  audit: '/cms/audit',
  'sign-in-settings': '/cms/sign-in-settings',
  domains: '/cms/sign-in-settings/domains',
  connections: '/cms/sign-in-settings/connections',
  account: '/cms/account',
  security: '/cms/account/security',
  'two-factor': '/cms/account/two-factor',
  trash: '/cms/trash',
  privacy: '/cms/privacy',
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every page of the CMS is usable by everybody (${colorScheme})`, async ({
    page, app, signIn, openAlive, expectAccessible, keepPicture,
  }) => {
    test.setTimeout(300_000);
    await page.emulateMedia({ colorScheme });
    const look = async (name: string, path: string) => {
      await openAlive(page, path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await page.waitForLoadState('networkidle');
      await keepPicture(page, `${name}-${colorScheme}`);
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        expect(await page.evaluate(() => document.documentElement.scrollWidth), `${name} at ${width}`).toBeLessThanOrEqual(width);
        if (width === 390) await keepPicture(page, `${name}-${colorScheme}-390`);
      }
      // The preview is a guest's page in a sandbox; it is looked at by itself below.
      await page.evaluate(() => document.querySelectorAll('iframe').forEach((frame) => frame.remove()));
      await expectAccessible(page);
    };
    for (const [name, path] of Object.entries(signedOut)) await look(name, path);
    await signIn(page, 'owner');
    // A capture with a guest, whose page holds most.
    await page.goto(`/cms/events/${app.demo.event}?guest=with`);
    const capture = await page.locator('a[href^="/cms/captures/cap_"]').first().getAttribute('href');
    for (const [name, path] of Object.entries({ ...pages(app.demo.event), capture: capture! })) await look(name, path);
  });
}

test('a guest page is usable by everybody', async ({ page, app, expectAccessible, keepPicture }) => {
  for (const [name, url] of Object.entries({
    share: app.demo.share.owner,
    'share-view': app.demo.share.view,
    delete: `${app.demo.share.owner}/delete`,
    'no-photo': '/s/none',
  })) {
    await page.goto(url);
    await expectAccessible(page);
    await keepPicture(page, name);
  }
});
