// Passkeys with the browser's own authenticator: added, used as second step, without a password, and removed.
import { expect, test } from '../support/fixtures.ts';

// The browser's own note that one page took another's place before it had faded in.
test.use({ expectedErrors: [/Transition was skipped/] });

test('an account gets a passkey, is signed in to with it, and loses it again', async ({
  page, app, signIn, openAlive, expectAccessible, keepPicture,
}) => {
  test.setTimeout(120_000);
  const browser = await page.context().newCDPSession(page);
  await browser.send('WebAuthn.enable');
  const device = await browser.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      // Until the button is pressed; otherwise the browser answers what it offers among what it fills in.
      automaticPresenceSimulation: false,
    },
  });
  const present = (enabled: boolean) =>
    browser.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: device.authenticatorId, enabled });

  await signIn(page, 'reporter');
  await openAlive(page, '/cms/account/two-factor');
  await keepPicture(page, 'passkeys-none');
  await expectAccessible(page);
  await present(true);
  await page.getByLabel('Name').fill('This laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
  await expect(page.getByText('This laptop')).toBeVisible();
  await expect(page.getByText('Works without password')).toBeVisible();
  await keepPicture(page, 'passkeys');
  await expectAccessible(page);

  // As second step, behind the password.
  await present(false);
  const member = app.demo.users.find((user) => user.role === 'reporter')!;
  await page.context().clearCookies();
  await openAlive(page, '/cms/sign-in?next=/cms/account');
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeVisible();
  await keepPicture(page, 'sign-in-passkey');
  await expectAccessible(page);
  await page.getByLabel('E-mail address').fill(member.email);
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Second step' })).toBeVisible();
  await expect(page.locator('html[data-alive]')).toBeAttached();
  await keepPicture(page, 'sign-in-code-passkey');
  await expectAccessible(page);
  await present(true);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page).toHaveURL(/\/cms\/account$/);
  await expect(page.locator('html[data-alive]')).toBeAttached();

  // In the place of the password.
  await present(false);
  await page.context().clearCookies();
  await openAlive(page, '/cms/sign-in?next=/cms/account');
  // Present before the press, the device would answer what the browser offers among what it fills in, and the page be gone.
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await present(true);
  await expect(page).toHaveURL(/\/cms\/account$/);
  await expect(page.locator('html[data-alive]')).toBeAttached();

  // A device without one says so.
  await present(false);
  await page.context().clearCookies();
  const { credentials } = await browser.send('WebAuthn.getCredentials', { authenticatorId: device.authenticatorId });
  expect(credentials).toHaveLength(1);
  await browser.send('WebAuthn.clearCredentials', { authenticatorId: device.authenticatorId });
  await openAlive(page, '/cms/sign-in?next=/cms/account/two-factor');
  await present(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByText('This device has no passkey for this site')).toBeVisible({ timeout: 90_000 });
  await expectAccessible(page);
  await present(false);
  await browser.send('WebAuthn.addCredential', {
    authenticatorId: device.authenticatorId,
    credential: credentials[0]!,
  });
  await openAlive(page, '/cms/sign-in?next=/cms/account/two-factor');
  await page.getByLabel('E-mail address').fill(member.email);
  await page.getByLabel('Password', { exact: true }).fill(member.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Second step' })).toBeVisible();
  await expect(page.locator('html[data-alive]')).toBeAttached();
  await present(true);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page).toHaveURL((url) => url.pathname === '/cms/account/two-factor');

  await expect(page.locator('html[data-alive]')).toBeAttached();
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('Passkey removed; other sessions were ended')).toBeVisible();
  await expect(page.getByText('This laptop')).toBeHidden();
});
