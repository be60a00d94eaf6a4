// Support from the invitation of one of the staff to the end of their visit: asked for, allowed, seen by everybody, over.
import { expect, test } from '../support/fixtures.ts';
import { code } from '../support/totp.ts';

test('an owner lets support in, sees it there, and ends it', async ({
  page, browser, app, signIn, mailTo, openAlive, expectAccessible, keepPicture,
}) => {
  test.setTimeout(120_000);
  const owner = app.demo.users.find((user) => user.role === 'owner')!;
  await signIn(page, 'owner');
  await openAlive(page, '/cms/support-access');
  await expect(page.getByText('Support has not asked for access and has none.')).toBeVisible();
  const organisation = /org_\w+/.exec((await page.locator('main').textContent())!)![0];

  // The staff have a browser and a sign-in of their own.
  const elsewhere = await browser.newContext({ baseURL: app.url, locale: 'en-GB' });
  const staff = await elsewhere.newPage();
  await staff.goto(app.staffLink);
  await keepPicture(staff, 'support-invitation');
  await expectAccessible(staff);
  await staff.getByText('Cannot scan it?').click();
  const secret = (await staff.locator('.issued-secret').textContent())!;
  const password = 'copper-meadow-lantern-78';
  await staff.getByLabel('Password', { exact: true }).fill(password);
  await staff.getByLabel('Enter the code that the app shows').fill(code(secret));
  await staff.locator('form button[type="submit"]').last().click();
  const recovery = await staff.locator('.recovery-codes code').allTextContents();
  expect(recovery).toHaveLength(10);
  // The link is used up.
  expect((await staff.request.get(app.staffLink)).status()).not.toBe(200);

  await staff.goto('/support');
  await expect(staff).toHaveURL(/\/support\/sign-in/);
  await staff.getByLabel('E-mail address').fill('sam@shutterpost.example');
  await staff.getByLabel('Password', { exact: true }).fill(password);
  await staff.getByRole('button', { name: 'Sign in', exact: true }).click();
  // The password alone opens nothing.
  expect((await staff.request.get('/support', { maxRedirects: 0 })).status()).toBe(303);
  await staff.getByLabel('Code').fill(recovery[0]!);
  await staff.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(staff.getByRole('heading', { name: 'Support desk' })).toBeVisible();
  expect((await staff.request.get('/cms/overview')).status()).toBe(403);

  const reason = 'The gallery of yesterday is empty';
  await staff.getByLabel('Id of the organisation').fill(organisation);
  await staff.getByLabel('Reason').fill(reason);
  await staff.getByRole('button', { name: 'Ask the owners' }).click();
  await expect(staff.getByText('waiting', { exact: true })).toBeVisible();
  await keepPicture(staff, 'support-desk');
  await expectAccessible(staff);
  const asked = await mailTo(owner.email, (mail) => !!mail.subject?.includes('asks for access'));
  expect(asked.text).toContain(reason);

  await openAlive(page, '/cms/support-access');
  await expect(page.getByText(`Reason: ${reason}`)).toBeVisible();
  await keepPicture(page, 'support-access');
  await expectAccessible(page);
  await page.getByLabel('Minutes').fill('15');
  await page.getByRole('button', { name: 'Allow' }).click();
  await expect(page.getByRole('button', { name: 'End now' })).toBeVisible();

  await staff.reload();
  await staff.getByRole('button', { name: 'Go in' }).click();
  await expect(staff).toHaveURL(/\/cms\/overview$/);
  await expect(staff.getByText('as support until').first()).toBeVisible();
  await keepPicture(staff, 'support-inside');
  await expectAccessible(staff);
  // Looking only, and nobody's contact data.
  await staff.goto('/cms/people');
  await expect(staff.getByText(owner.email)).toHaveCount(0);
  await page.goto('/cms/events');
  await expect(page.getByText('of Shutterpost’s support may look into').first()).toBeVisible();

  await openAlive(page, '/cms/support-access');
  await page.getByRole('button', { name: 'End now' }).click();
  await expect(page.getByRole('button', { name: 'End now' })).toHaveCount(0);
  expect((await staff.request.get('/cms/overview')).status()).toBe(403);
  await page.goto('/cms/audit');
  await expect(page.getByText('Support: Sam Lee').first()).toBeVisible();
  await elsewhere.close();
});
