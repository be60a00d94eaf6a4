// What lives in the browser: the grid and its uploads, previews, small things of the design system.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';

const photo = readFileSync(join(import.meta.dirname, '..', '..', 'server', 'assets', 'demo', 'two.jpg'));

// Taking a picture asks every frame a question by script; the preview's sandbox refuses and says so.
test.use({ expectedErrors: [/^Blocked script execution in '[^']*\/cms\/preview\//] });

/** An event of the test's own, so that tests may run side by side. */
const newEvent = async (page: Page, name: string) => {
  await page.goto('/cms/events/new');
  await page.locator('input[name="name"]').fill(name);
  await page.locator('input[name="starts_on"]').fill('2026-11-20');
  await page.locator('input[name="ends_on"]').fill('2027-11-20');
  await page.locator('main form button[type="submit"]').last().click();
  await page.waitForURL(/\/cms\/events\/evt_/);
  return /evt_[0-9a-f]{32}/.exec(page.url())![0];
};

test('photos are brought in by hand, each with its progress, and a film is refused before it travels', async ({ page, signIn, openAlive }) => {
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Uploads');
  await openAlive(page, `/cms/events/${event}`);
  await expect(page.getByText('No captures yet')).toBeVisible();
  // Photos travel once their progress was seen; else a quick server is done before anybody looks.
  let travel = () => {};
  const seen = new Promise<void>((resolve) => (travel = resolve));
  await page.route(`**/cms/events/${event}/captures`, async (route) => {
    await seen;
    await route.continue();
  });
  await page.locator('input[type="file"][name="file"]').setInputFiles([
    { name: 'one.jpg', mimeType: 'image/jpeg', buffer: photo },
    { name: 'broken.jpg', mimeType: 'image/jpeg', buffer: photo.subarray(0, 400) },
    { name: 'film.avi', mimeType: 'video/x-msvideo', buffer: Buffer.from('film') },
  ]);
  const list = page.locator('.captures-uploads-list');
  await expect(list.locator('li')).toHaveCount(3);
  await expect(list.locator('li', { hasText: 'one.jpg' }).getByRole('progressbar')).toHaveCount(1);
  travel();
  await expect(page.locator('[data-capture]')).toHaveCount(1);
  await expect(list.locator('li', { hasText: 'broken.jpg' })).toContainText(/ends early/i);
  await expect(list.locator('li', { hasText: 'film.avi' })).toContainText(/kind/i);
  await expect(page.getByText('No captures yet')).toBeHidden();

  // Pasted and dropped pictures take the same way.
  const hand = (kind: 'paste' | 'drop') =>
    page.evaluate(
      ([kind, bytes]) => {
        const file = new File([new Uint8Array(bytes as number[])], `${kind}.jpg`, { type: 'image/jpeg' });
        const data = new DataTransfer();
        data.items.add(file);
        const event =
          kind === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
            : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      },
      [kind, [...photo]] as const,
    );
  await hand('paste');
  await expect(page.locator('[data-capture]')).toHaveCount(2);
  await hand('drop');
  await expect(page.locator('[data-capture]')).toHaveCount(3);
});

test('photos are paused, go on, and none is lost or doubled by a connection that breaks', async ({ page, context, signIn, openAlive }) => {
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Many');
  await openAlive(page, `/cms/events/${event}`);
  let travel = () => {};
  const held = new Promise<void>((resolve) => (travel = resolve));
  await page.route(`**/cms/events/${event}/captures`, async (route) => {
    await held;
    await route.continue();
  });
  const files = (count: number) => Array.from({ length: count }, (_, number) => ({ name: `${number}.jpg`, mimeType: 'image/jpeg', buffer: photo }));
  await page.locator('input[type="file"][name="file"]').setInputFiles(files(8));
  const list = page.locator('.captures-uploads-list');
  await page.getByRole('button', { name: 'Pause' }).click();
  travel();
  await expect(page.locator('[data-capture]')).toHaveCount(3);
  await expect(page.locator('.captures-uploads').getByRole('status')).toContainText('Paused');
  await expect(list.locator('li', { hasText: 'Waiting' })).toHaveCount(5);

  await context.setOffline(true);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.locator('.captures-uploads').getByRole('status')).toContainText('The connection was lost');
  await context.setOffline(false);
  await expect(page.locator('[data-capture]')).toHaveCount(8, { timeout: 30_000 });
  await expect(page.locator('.captures-uploads').getByRole('status')).toContainText('8 files uploaded');
});

test('two thousand photos are counted, and only some of them listed', async ({ page, signIn, openAlive, keepPicture }) => {
  test.setTimeout(180_000);
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Thousands');
  await openAlive(page, `/cms/events/${event}`);
  // The server's part is the same for each; here it is the page that has to cope.
  let taken = 0;
  await page.route(`**/cms/events/${event}/captures`, async (route) => {
    if (taken === 300) await keepPicture(page, 'uploads-many');
    taken += 1;
    await route.fulfill({ status: 201, contentType: 'application/json', body: '{}' });
  });
  const files = Array.from({ length: 2000 }, (_, number) => ({ name: `${number}.jpg`, mimeType: 'image/jpeg', buffer: Buffer.from('x') }));
  await page.locator('input[type="file"][name="file"]').setInputFiles(files);
  const uploads = page.locator('.captures-uploads');
  await expect(uploads).toContainText('of 2,000 uploaded');
  expect(await uploads.locator('li').count()).toBeLessThanOrEqual(61);
  await expect(uploads.getByRole('status')).toContainText('2,000 files uploaded', { timeout: 150_000 });
  expect(taken).toBe(2000);
});

test('new captures come into an open grid, and the keyboard rules it', async ({ page, request, app, signIn, openAlive }) => {
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Live');
  const upload = (key: string) =>
    request.post(`/api/v1/events/${event}/captures`, {
      headers: { Authorization: `Bearer ${app.demo.api_token}`, 'Idempotency-Key': key },
      multipart: { file: { name: 'x.jpg', mimeType: 'image/jpeg', buffer: photo } },
    });
  await upload('live-1');
  await openAlive(page, `/cms/events/${event}`);
  await expect(page.locator('[data-capture]')).toHaveCount(1);
  await upload('live-2');
  await upload('live-3');
  await expect(page.locator('[data-capture]')).toHaveCount(3, { timeout: 15_000 });
  // Times of new tiles are the reader's as well.
  await expect(page.locator('[data-capture] time', { hasText: 'UTC' })).toHaveCount(0);

  await page.keyboard.press('ArrowRight');
  await expect(page.locator('[data-capture] a').first()).toBeFocused();
  await page.keyboard.press('x');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+X');
  await expect(page.locator('.captures-bar-count')).toContainText('2');
  await page.keyboard.press(' ');
  const look = page.locator('dialog.captures-look');
  await expect(look).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(look.locator('img')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(look).toBeHidden();
  await page.keyboard.press('Escape');
  await expect(page.locator('.captures-chosen')).toHaveCount(0);

  // Into a capture and back: the same tile has the focus.
  const second = page.locator('[data-capture]').nth(1);
  const id = await second.getAttribute('data-capture');
  await second.locator('a').click();
  await page.waitForURL(/\/cms\/captures\/cap_/);
  await expect(page.locator('html[data-alive]')).toBeAttached();
  await page.keyboard.press('ArrowRight');
  await page.waitForURL((url) => url.pathname.includes('/cms/captures/') && !url.pathname.endsWith(id!));
  await page.goBack();
  await page.waitForURL(new RegExp(id!));
  await expect(page.locator('html[data-alive]')).toBeAttached();
  await page.keyboard.press('Escape');
  await page.waitForURL(new RegExp(`/cms/events/${event}`));
  await expect(page.locator(`[data-capture="${id}"] a`)).toBeFocused();
});

test('branding is seen while it is typed', async ({ page, signIn, openAlive }) => {
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Branding');
  await openAlive(page, `/cms/events/${event}/branding`);
  const guest = page.frameLocator('iframe');
  await page.locator('[name="de.headline"]').fill('Schön, dass du da warst');
  await expect(guest.getByText('Schön, dass du da warst')).toBeVisible();
  await page.locator('[name="en.headline"]').fill('Lovely to have you');
  await expect(guest.getByText('Lovely to have you')).toBeVisible();
  // A colour that drowns is said, with one that does not.
  await page.locator('input[name="accent"]').fill('#2f3b57');
  await page.locator('input[name="backdrop"]').fill('#14161c');
  await page.getByRole('button', { name: /^Use #/ }).click();
  await expect(page.locator('input[name="accent"]')).not.toHaveValue('#2f3b57');
  await expect(page.locator('.events-verdict-good')).toBeVisible();
  // Sheets keep what was typed, and one button saves all of them.
  await page.locator('a[data-sheet="mail"]').click();
  await page.locator('[name="en.mail_subject"]').fill('Your photo');
  await page.locator('a[data-sheet="consents"]').click();
  await expect(page.locator('[name="en.mail_subject"]')).toBeHidden();
  await page.locator('a[data-sheet="mail"]').click();
  await page.getByRole('button', { name: 'Save' }).first().click();
  await expect(page.locator('.toast')).toBeVisible();
  await expect(page).not.toHaveURL(/done=/);
  await expect(page.locator('[name="en.headline"]')).toHaveValue('Lovely to have you');
  await openAlive(page, `/cms/events/${event}/settings`);
  await page.locator('[name="retention_days"]').fill('30');
  await expect(page.locator('.events-consequence')).toContainText('20 December 2027');
});

test('contact data are masked until revealed', async ({ page, app, signIn, openAlive }) => {
  await signIn(page, 'owner');
  await page.goto(`/cms/events/${app.demo.event}?guest=with`);
  const capture = await page.locator('a[href^="/cms/captures/cap_"]').first().getAttribute('href');
  await openAlive(page, capture!);
  const contact = page.locator('.guests-contact').filter({ hasText: '@' }).first();
  await expect(contact).toContainText('…');
  await page.getByRole('button', { name: /reveal/i }).first().click();
  await expect(contact).not.toContainText('…');
  await page.getByRole('button', { name: /hide/i }).first().click();
  await expect(contact).toContainText('…');
  await openAlive(page, '/cms/audit?feature=guests');
  await expect(page.getByText(/looked at contact data/i).first()).toBeVisible();
});

test('the small things work: copying, dialogs, passwords, choosing, times', async ({ page, context, app, signIn, openAlive }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await openAlive(page, '/cms/sign-in');
  await page.locator('input[name="password"]').fill('secret');
  await page.getByRole('button', { name: 'Show password' }).click();
  await expect(page.locator('input[name="password"]')).toHaveAttribute('type', 'text');
  await page.getByRole('button', { name: 'Hide password' }).click();
  await expect(page.locator('input[name="password"]')).toHaveAttribute('type', 'password');
  await signIn(page, 'owner');
  await page.goto(`/cms/events/${app.demo.event}?guest=with`);
  const capture = await page.locator('a[href^="/cms/captures/cap_"]').first().getAttribute('href');
  await openAlive(page, capture!);
  await page.getByRole('button', { name: 'Copy link' }).first().click();
  await expect(page.getByText('Copied').first()).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('/s/');
  await expect(page.locator('time', { hasText: 'UTC' })).toHaveCount(0);
  await page.locator('button[commandfor="capture-delete"]').click();
  const dialog = page.locator('dialog#capture-delete');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await openAlive(page, `/cms/events/${app.demo.event}`);
  const device = page.locator('select[name="device"]');
  await device.selectOption({ index: 1 });
  await page.waitForURL(/device=dev_/);
  // A refused form stands open again with what was typed.
  await openAlive(page, '/cms/people');
  await page.getByRole('button', { name: 'Invite' }).first().click();
  await page.locator('dialog[open] input[name="email"]').fill('nobody@localhost');
  await page.locator('dialog[open] .dialog-actions .button-primary').click();
  await expect(page.locator('dialog[open] input[name="email"]')).toHaveValue('nobody@localhost');
});
