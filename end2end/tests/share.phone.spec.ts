// Guests' pages on a phone.
import { expect, test } from '../support/fixtures.ts';

test('the page fits the phone, moves nothing and asks for little', async ({ page, app, expectAccessible, keepPicture }) => {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.addInitScript(() => {
    (window as unknown as { shifts: number }).shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) (window as unknown as { shifts: number }).shifts += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(app.demo.share.owner);
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  expect(await page.evaluate(() => (window as unknown as { shifts: number }).shifts)).toBe(0);
  expect(requests.every((url) => url.startsWith(app.url))).toBe(true);
  expect(requests.length).toBeLessThanOrEqual(6);
  await expectAccessible(page);
  await keepPicture(page, 'share');
});
