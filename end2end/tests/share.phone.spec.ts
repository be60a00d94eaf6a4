// Guests' pages on a phone.
import { expect, test } from '../support/fixtures.ts';

/// A layout shift, which the types of the language do not know yet.
type Shift = { value: number; sources: { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[] };

test('the page fits the phone, moves nothing and asks for little', async ({ page, app, expectAccessible, keepPicture }) => {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await page.addInitScript(() => {
    const shifts: string[] = [];
    (window as unknown as { shifts: string[] }).shifts = shifts;
    const at = ({ x, y, width, height }: DOMRectReadOnly) => [x, y, width, height].join(' ');
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as Shift[]) {
        const moved = entry.sources.map(({ node, previousRect, currentRect }) => `${node?.nodeName}.${(node as Element | null)?.className}: ${at(previousRect)} to ${at(currentRect)}`);
        shifts.push(`${entry.value}: ${moved.join(', ')}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(app.demo.share.owner);
  await page.waitForLoadState('networkidle');
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  expect(await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts)).toEqual([]);
  expect(requests.every((url) => url.startsWith(app.url))).toBe(true);
  expect(requests.length).toBeLessThanOrEqual(6);
  await expectAccessible(page);
  await keepPicture(page, 'share');
});
