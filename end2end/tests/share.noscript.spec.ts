// Guests' pages without scripts: see, save, share, delete.
import { expect, test } from '../support/fixtures.ts';

test('everything a guest needs is there without script', async ({ page, app }) => {
  await page.goto(app.demo.share.owner);
  await expect(page.locator('img.photo')).toBeVisible();
  await expect(page.locator('a[download]')).toBeVisible();
  await page.locator('details.sharing summary').click();
  await expect(page.locator('a[href^="https://wa.me/"]')).toBeVisible();
  await expect(page.locator('#link')).toHaveValue(app.demo.share.view);
  await page.locator('details.sharing summary').click();
  await page.locator('a.delete').click();
  await expect(page.locator('form[method="post"] button')).toBeVisible();
  await page.goto(`${app.demo.share.view}?lang=de`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
});

test('a member signs in, sees captures and edits without script', async ({ page, app, signIn }) => {
  await signIn(page, 'admin');
  await page.goto(`/cms/events/${app.demo.event}`);
  await expect(page.locator('a[href^="/cms/captures/cap_"]').first()).toBeVisible();
  await page.goto(`/cms/events/${app.demo.event}/settings`);
  await expect(page.locator('input[name="name"]')).toHaveValue(/.+/);
});
