// The server answers, and the first page anybody of a client sees is there and usable.
import { expect, test } from '../support/fixtures.ts';

test('the process says that it is alive and ready', async ({ request }) => {
  expect((await request.get('/healthz')).status()).toBe(200);
  expect((await request.get('/readyz')).status()).toBe(200);
});

test('the sign-in page asks for an address and a password', async ({ page, expectAccessible, keepPicture }) => {
  const answer = await page.goto('/cms/sign-in');
  expect(answer?.status()).toBe(200);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('input[type="email"]')).toBeVisible();
  await expect(page.locator('input[type="password"]')).toBeVisible();
  await expectAccessible(page);
  await keepPicture(page, 'sign-in');
});
