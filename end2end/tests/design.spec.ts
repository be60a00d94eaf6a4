// A picture design: seen while it is made, given to the photos that are there, and taken back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { expect, test } from '../support/fixtures.ts';

const photo = readFileSync(join(import.meta.dirname, '..', '..', 'server', 'assets', 'demo', 'one.jpg'));
// A band of one colour along the upper edge.
const overlay = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><path fill="#c0267a" d="M0 0h300v50H0z"/></svg>',
);

const newEvent = async (page: Page, name: string) => {
  await page.goto('/cms/events/new');
  await page.locator('input[name="name"]').fill(name);
  await page.locator('input[name="starts_on"]').fill('2026-11-20');
  await page.locator('input[name="ends_on"]').fill('2027-11-20');
  await page.locator('main form button[type="submit"]').last().click();
  await page.waitForURL(/\/cms\/events\/evt_/);
  return /evt_[0-9a-f]{32}/.exec(page.url())![0];
};

/** Whether the picture has the overlay's colour near its upper edge. */
const hasBand = (picture: Locator) =>
  picture.evaluate(async (image: HTMLImageElement) => {
    // The draft may be drawn anew at this moment, and its picture be another one.
    for (let tries = 0; tries < 40; tries += 1) {
      const drawn = await image.decode().then(() => true, () => false);
      if (drawn) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext('2d')!;
    context.drawImage(image, 0, 0);
    const [red, green, blue] = context.getImageData(Math.floor(canvas.width / 2), Math.floor(canvas.height / 20), 1, 1).data;
    return Math.abs(red! - 0xc0) < 30 && Math.abs(green! - 0x26) < 30 && Math.abs(blue! - 0x7a) < 30;
  });

test('a design is seen while it is made, given to photos and taken back', async ({
  page, request, app, signIn, openAlive, expectAccessible, keepPicture,
}) => {
  // The work waits behind what is made of the photos that were there before.
  test.setTimeout(600_000);
  await signIn(page, 'owner');
  const event = await newEvent(page, 'Design');
  const answer = await request.post(`/api/v1/events/${event}/captures`, {
    headers: { Authorization: `Bearer ${app.demo.api_token}`, 'Idempotency-Key': `design-${event}` },
    multipart: { file: { name: 'one.jpg', mimeType: 'image/jpeg', buffer: photo } },
  });
  expect(answer.status(), await answer.text()).toBe(201);
  const { share_url: share } = (await answer.json()) as { share_url: string };
  /** Whether guests see the band, once the picture of the page is there. */
  const guestsSeeBand = async () => {
    await page.goto(share);
    return hasBand(page.locator('.stage img').first());
  };

  await openAlive(page, `/cms/events/${event}/design`);
  const picture = page.locator('[data-drawn]');
  const sheet = page.locator('.designs-sheet:visible');
  await expect(picture).toHaveAttribute('src', /^blob:/);
  expect(await hasBand(picture)).toBe(false);

  // What is chosen is drawn at once.
  const plain = await picture.getAttribute('src');
  await sheet.getByText('Black and white', { exact: true }).click();
  await expect(picture).not.toHaveAttribute('src', plain!);

  // What is wrong is said in the place of a picture, and gone with its cause.
  await sheet.locator('summary', { hasText: 'Line of text' }).click();
  await sheet.locator('[name="landscape.line.text"]').fill('Summer');
  await sheet.locator('[name="landscape.line.size"]').fill('90');
  await expect(page.locator('[data-drawn-trouble]')).not.toBeEmpty();
  await sheet.locator('[name="landscape.line.size"]').fill('6');
  await expect(page.locator('[data-drawn-trouble]')).toBeEmpty();

  // The nine places are one group for the keyboard.
  await sheet.locator('[name="landscape.line.place"]:checked').focus();
  await page.keyboard.press('ArrowRight');
  await expect(sheet.locator('[name="landscape.line.place"][value="bottom_right"]')).toBeChecked();

  // Another format has another sheet, unless one is for all.
  await page.locator('.designs-chip', { hasText: 'Portrait' }).click();
  await expect(page.locator('.designs-sheet[data-format="landscape"]')).toBeVisible();
  await page.locator('[name="same_for_all"]').uncheck();
  await expect(page.locator('.designs-sheet[data-format="portrait"]')).toBeVisible();
  await expect(page.locator('.designs-sheet[data-format="landscape"]')).toBeHidden();
  await page.locator('[name="same_for_all"]').check();

  // A file is stored when it is chosen, and everything that was entered is there again.
  await sheet.locator('summary', { hasText: 'Overlay' }).click();
  await page
    .locator('[name="landscape.overlay.upload"]')
    .setInputFiles({ name: 'band.svg', mimeType: 'image/svg+xml', buffer: overlay });
  await expect(page.locator('[name="landscape.overlay.file"]')).toHaveValue(/^dsf_/);
  await expect(page.locator('html[data-alive]')).toBeAttached();
  await expect(page.locator('[name="landscape.line.text"]')).toHaveValue('Summer');
  await expect.poll(() => hasBand(picture)).toBe(true);
  await expectAccessible(page);
  await keepPicture(page, 'design');

  await page.getByRole('button', { name: 'Save design' }).click();
  await expect(page.locator('.toast')).toContainText('Design saved');
  expect(await guestsSeeBand()).toBe(false);

  await openAlive(page, `/cms/events/${event}/design`);
  await page.getByRole('button', { name: 'Apply to the photos that are there' }).click();
  await expect(page.getByText('All photos have the design')).toBeVisible({ timeout: 240_000 });
  expect(await guestsSeeBand()).toBe(true);

  await openAlive(page, `/cms/events/${event}/design`);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(guestsSeeBand, { timeout: 240_000 }).toBe(false);
});
