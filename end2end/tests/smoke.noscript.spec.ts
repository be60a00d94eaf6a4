// Without scripts the same pages are there: what the server sends is already the page.
import { expect, test } from '../support/fixtures.ts';

test('the sign-in page is a form that the server understands', async ({ page }) => {
  await page.goto('/cms/sign-in');
  await expect(page.locator('form[method="post" i] input[type="password"]')).toBeVisible();
});
