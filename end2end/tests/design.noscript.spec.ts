// A picture design without script: previewed at the press of a button, and saved.
import { expect, test } from '../support/fixtures.ts';

const overlay = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><path fill="#c0267a" d="M0 0h300v50H0z"/></svg>',
);

test('a design is previewed and saved without script', async ({ page, signIn }) => {
  await signIn(page, 'owner');
  await page.goto('/cms/events/new');
  await page.locator('input[name="name"]').fill('Design without script');
  await page.locator('input[name="starts_on"]').fill('2026-11-20');
  await page.locator('input[name="ends_on"]').fill('2027-11-20');
  await page.locator('main form button[type="submit"]').last().click();
  await page.waitForURL(/\/cms\/events\/evt_/);
  await page.goto(`/cms/events/${/evt_[0-9a-f]{32}/.exec(page.url())![0]}/design`);
  await page
    .locator('[name="landscape.overlay.upload"]')
    .setInputFiles({ name: 'band.svg', mimeType: 'image/svg+xml', buffer: overlay });
  await page.getByRole('button', { name: 'Show preview' }).click();
  await expect(page.locator('[data-drawn]')).toHaveAttribute('src', /^data:image\/jpeg;base64,/);
  await expect(page.locator('[name="landscape.overlay.file"]')).toHaveValue(/^dsf_/);
  await page.getByRole('button', { name: 'Save design' }).click();
  await expect(page.locator('.toast')).toContainText('Design saved');
  await expect(page.getByText('In use')).toBeVisible();
});
