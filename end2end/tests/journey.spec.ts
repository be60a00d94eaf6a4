// The main job, end to end: an admin prepares an event, a booth uploads, the guest gets a mail, looks, and deletes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { devices } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';

const photo = readFileSync(join(import.meta.dirname, '..', '..', 'server', 'assets', 'demo', 'two.jpg'));

test('a photo reaches the guest, and the guest can make it go', async ({ page, browser, request, app, signIn, mailTo }) => {
  test.setTimeout(180_000);
  await signIn(page, 'owner');

  // An event.
  await page.goto('/cms/events/new');
  await page.locator('input[name="name"]').fill('Journey');
  await page.locator('input[name="starts_on"]').fill('2026-11-20');
  await page.locator('input[name="ends_on"]').fill('2027-11-20');
  await page.locator('input[name="time_zone"]').fill('Europe/Berlin');
  await page.locator('main form button[type="submit"]').last().click();
  await page.waitForURL(/\/cms\/events\/evt_/);
  const event = /evt_[0-9a-f]{32}/.exec(page.url())![0];

  // A device, whose token is shown once.
  await page.goto(`/cms/events/${event}/devices`);
  await page.locator('input[name="name"]').fill('Booth');
  await page.locator('button[name="intent"][value="create"], form:has(input[name="intent"][value="create"]) button').first().click();
  const secret = await page.locator('text=/spd_[0-9A-Za-z]{40,}/').first().textContent();
  const token = /spd_[0-9A-Za-z]+/.exec(secret ?? (await page.content()))![0];

  // An upload over the API, twice with one key.
  const upload = () =>
    request.post(`/api/v1/events/${event}/captures`, {
      headers: { Authorization: `Bearer ${token}`, 'Idempotency-Key': 'journey-1' },
      multipart: {
        file: { name: 'photo.jpg', mimeType: 'image/jpeg', buffer: photo },
        guest: JSON.stringify({ name: 'Mia', email: 'mia@journey.example', language: 'de', consents: [{ purpose: 'delivery', granted: true }] }),
      },
    });
  const [first, second] = [await upload(), await upload()];
  expect(first.status()).toBe(201);
  expect(await second.json()).toEqual(await first.json());
  const { id, share_url: viewLink } = (await first.json()) as { id: string; share_url: string };

  // The mail, in the guest's language, with the guest's own link.
  const mail = await mailTo('mia@journey.example');
  expect(mail.text).toContain('Foto');
  const ownLink = /http:\/\/localhost:\d+\/s\/[0-9a-z]{32}/.exec(mail.text ?? '')![0];
  expect(ownLink).not.toBe(viewLink);

  // On a phone.
  const phone = await browser.newContext({ ...devices['Pixel 7'], viewport: { width: 390, height: 844 }, locale: 'de-DE' });
  const guest = await phone.newPage();
  const problems: string[] = [];
  guest.on('pageerror', (error) => problems.push(String(error)));
  await guest.goto(ownLink);
  await expect(guest.locator('html')).toHaveAttribute('lang', 'de');
  const picture = guest.locator('img.photo');
  await expect(picture).toBeVisible();
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBeGreaterThan(300);
  expect((await phone.cookies()).length).toBe(0);
  const [saved] = await Promise.all([guest.waitForEvent('download'), guest.locator('a[download]').click()]);
  expect(saved.suggestedFilename()).toBe('photo.jpg');
  await guest.locator('details.sharing summary').click();
  await expect(guest.locator('#link')).toHaveValue(viewLink);
  await guest.locator('details.sharing summary').click();

  // The view link shows the photo and cannot delete it.
  expect((await request.get(viewLink)).status()).toBe(200);
  expect((await request.get(`${viewLink}/delete`)).status()).toBe(404);

  // Delete: confirm, POST, 303.
  await guest.locator('a.delete').click();
  await guest.locator('form[method="post"] button').first().click();
  await guest.waitForURL(/\/deleted/);
  expect((await request.get(ownLink)).status()).toBe(404);
  expect((await request.get(viewLink)).status()).toBe(404);
  expect(problems).toEqual([]);
  await phone.close();

  // The CMS shows it gone.
  expect((await page.goto(`/cms/captures/${id}`))?.status()).toBe(404);
  await page.goto(`/cms/events/${event}`);
  await expect(page.locator(`a[href*="${id}"]`)).toHaveCount(0);
  expect(app.demo.event).not.toBe(event);
});

test('captures are deleted in the live grid, and undone', async ({ page, request, app, signIn }) => {
  const created = await request.post(`/api/v1/events/${app.demo.event}/captures`, {
    headers: { Authorization: `Bearer ${app.demo.api_token}`, 'Idempotency-Key': 'grid-1' },
    multipart: { file: { name: 'x.jpg', mimeType: 'image/jpeg', buffer: photo } },
  });
  const { id, share_url } = (await created.json()) as { id: string; share_url: string };
  await signIn(page, 'editor');
  await page.goto(`/cms/events/${app.demo.event}`);
  await page.locator(`input[type="checkbox"][value="${id}"]`).check({ force: true });
  await page.keyboard.press('Delete');
  await expect.poll(async () => (await request.get(share_url)).status()).toBe(404);
  await page.getByRole('button', { name: /undo/i }).first().click();
  await expect.poll(async () => (await request.get(share_url)).status()).toBe(200);
});
