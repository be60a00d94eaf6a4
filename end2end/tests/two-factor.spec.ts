// Two-factor sign-in from the first look at the page to turning it off, with codes as an authenticator app makes them.
import { expect, test } from '../support/fixtures.ts';
import { code } from '../support/totp.ts';

test('an account gets a second factor, is signed in to with it, and loses it again', async ({
  page, app, signIn, openAlive, expectAccessible, keepPicture,
}) => {
  test.setTimeout(120_000);
  await signIn(page, 'viewer');
  await openAlive(page, '/cms/account/security');
  await expect(page.getByText('Whoever learns your password can sign in.')).toBeVisible();
  await keepPicture(page, 'security');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Set up', exact: true }).click();
  await page.getByRole('button', { name: 'Set up now' }).click();

  await expect(page.getByRole('img', { name: 'QR code for the authenticator app' })).toBeVisible();
  await keepPicture(page, 'two-factor-set-up');
  await expectAccessible(page);
  await page.getByText('Cannot scan it?').click();
  const secret = (await page.locator('.issued-secret').textContent())!;
  await page.getByLabel('Enter the code that the app shows').fill('000000');
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('This code is wrong or was used already.')).toBeVisible();
  await page.getByLabel('Enter the code that the app shows').fill(code(secret));
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
  const recovery = await page.locator('.recovery-codes code').allTextContents();
  expect(recovery).toHaveLength(10);
  await keepPicture(page, 'two-factor-recovery');
  await expectAccessible(page);

  const member = app.demo.users.find((user) => user.role === 'viewer')!;
  const again = async () => {
    await page.context().clearCookies();
    await page.goto('/cms/sign-in?next=/cms/events');
    await page.getByLabel('E-mail address').fill(member.email);
    await page.getByLabel('Password', { exact: true }).fill(member.password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Second step' })).toBeVisible();
  };
  await again();
  await keepPicture(page, 'sign-in-code');
  await expectAccessible(page);
  // What the password alone gives opens nothing else.
  expect((await page.request.get('/cms/events', { maxRedirects: 0 })).status()).toBe(303);
  await page.getByLabel('Code').fill(recovery[0]!);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL(/\/cms\/events$/);
  await again();
  await page.getByLabel('Code').fill(recovery[0]!);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByText('This code is wrong or was used already.')).toBeVisible();
  // The next code is taken half a minute early, as clocks differ.
  await page.getByLabel('Code').fill(code(secret, 1));
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL(/\/cms\/events$/);

  await openAlive(page, '/cms/account/security');
  await expect(page.getByText('This device')).toBeVisible();
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.getByText('Signed out everywhere else')).toBeVisible();
  await openAlive(page, '/cms/account/two-factor');
  await page.getByRole('button', { name: 'Turn off' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password').fill(member.password);
  await dialog.getByLabel('Code').fill(recovery[1]!);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await expect(page.getByText('Two-factor sign-in is off; other sessions were ended')).toBeVisible();
});
