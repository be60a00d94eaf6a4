// An owner connects the company's identity provider, tests the connection and switches it on; somebody whom nobody invited
// signs in by it and out again. Against four providers that others have written.
import { expect, test } from '../support/fixtures.ts';
import {
  attributes, makeKnown, providers, registerClient, signInByOidc, signInBySaml, type SamlProvider,
} from '../support/providers.ts';
import type { Page } from '@playwright/test';

const LIST = '/cms/sign-in-settings/connections';

/** Makes a connection and gives its id. */
async function create(page: Page, name: string, kind: 'oidc' | 'saml'): Promise<string> {
  await page.goto(`${LIST}/new`);
  await page.locator('select[name="provider"]').selectOption('other');
  await page.locator('select[name="kind"]').selectOption(kind);
  await page.locator('input[name="name"]').fill(name);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  return new URL(page.url()).pathname.split('/').pop()!;
}

/** Sends a form; the toast takes its word out of the address, so the answer itself is looked at. */
async function send(page: Page, intent: string): Promise<void> {
  const answered = page.waitForResponse((answer) => answer.request().method() === 'POST');
  await page.locator(`button[name="intent"][value="${intent}"]`).click();
  expect((await answered).status(), intent).toBe(303);
  await page.waitForLoadState('load');
}

/** Lets people in whom nobody invited: admins there are editors here, all others viewers. */
async function admit(page: Page): Promise<void> {
  await page.locator('input[name="just_in_time"]').check();
  await page.locator('select[name="default_role"]').selectOption('viewer');
  await page.locator('input[name="group.0"]').fill('admins');
  await page.locator('select[name="role.0"]').selectOption('editor');
  await send(page, 'admit');
}

/** The values to copy, by their labels. */
async function own(page: Page, label: string): Promise<string> {
  const row = page.locator('.list-row').filter({ has: page.getByText(label, { exact: true }) });
  return (await row.locator('code').textContent())!.trim();
}

interface Story {
  page: Page;
  fresh: () => Promise<Page>;
  connection: string;
  signIn: (page: Page) => Promise<void>;
  /** What the provider calls the person. */
  name: string;
  /** What happens at the provider once somebody signed out here; to the page that follows. */
  leave: (page: Page) => Promise<void>;
  /** Whether signing out here ends the session there, so that the next sign-in asks again. */
  endsThere: boolean;
}

/** Back from the provider, where nothing was asked. */
const back = (page: Page) => expect(page).toHaveURL(/\/cms\/sign-in/, { timeout: 20_000 });

/** From the test of the connection to signing out. */
async function live({ page, fresh, connection, signIn, name, leave, endsThere }: Story): Promise<void> {
  await expect(page.getByText('First sign in once as a test.')).toBeVisible();
  await page.getByRole('button', { name: 'Sign in as a test' }).click();
  await signIn(page);
  await expect(page).toHaveURL(new RegExp(`${LIST}/${connection}`));
  await expect(page.getByText('Somebody signed in with these settings')).toBeVisible();
  await page.getByRole('button', { name: 'Switch on' }).click();
  await expect(page.getByText('People can sign in by this connection.')).toBeVisible();

  const guest = await fresh();
  await guest.goto(`/sso/${connection}/start`);
  await signIn(guest);
  await expect(guest).toHaveURL(/\/cms\/overview/);
  await guest.goto('/cms/account');
  await expect(guest.locator('input[name="name"]')).toHaveValue(name);
  await guest.goto('/cms/people');
  await expect(guest.getByRole('heading', { name: 'People', level: 1 })).toHaveCount(0);

  await guest.goto('/cms/account');
  await guest.evaluate(() => {
    const form = document.querySelector<HTMLFormElement>('form[action="/cms/sign-out"]');
    form!.requestSubmit();
  });
  await leave(guest);
  await guest.goto('/cms/overview');
  await expect(guest).toHaveURL(/\/cms\/sign-in/);
  await guest.goto(`/sso/${connection}/start`);
  if (endsThere) {
    await expect(guest.locator('input[name="password"]')).toBeVisible();
    expect(new URL(guest.url()).port).not.toBe(new URL(page.url()).port);
  }
  await guest.context().close();
}

test('people sign in and out by oidc-provider', async ({ page, browser, signIn, keepPicture, expectAccessible }) => {
  test.setTimeout(120_000);
  await signIn(page, 'owner');
  const connection = await create(page, 'Company account', 'oidc');
  await keepPicture(page, 'connection-new');
  await expectAccessible(page);
  const client = await registerClient(
    await own(page, 'Redirect address (redirect URI)'),
    await own(page, 'Address after signing out'),
  );
  await page.locator('input[name="issuer"]').fill(providers()['oidc-provider'].url);
  await page.locator('input[name="client_id"]').fill(client.id);
  await page.locator('input[name="secret"]').fill(client.secret);
  await send(page, 'oidc');
  await admit(page);
  await send(page, 'probe');
  await expect(page.getByText('Last check of the settings')).toBeVisible();
  await keepPicture(page, 'connection-probed');
  await expectAccessible(page);
  const fresh = async () => (await browser.newContext()).newPage();
  // It asks whether the person wants to sign out there as well.
  const leave = async (at: Page) => {
    await at.getByRole('button', { name: 'Yes, sign me out' }).click();
    await back(at);
  };
  await live({ page, fresh, connection, signIn: (at) => signInByOidc(at, 'alice'), name: 'Alice Ångström', leave, endsThere: true });
});

for (const [provider, person, name, endsThere] of [
  ['simplesamlphp', 'carol', 'Carol Čapek', true],
  ['pysaml2', 'dave', 'Dave Dvořák', true],
  // It says that it has a single logout and has none: our session ends all the same.
  ['samlp', 'erin', 'Erin Çelik', false],
] as [SamlProvider, string, string, boolean][]) {
  test(`people sign in and out by ${provider}`, async ({ page, browser, signIn, keepPicture, expectAccessible }) => {
    test.setTimeout(120_000);
    await signIn(page, 'owner');
    const connection = await create(page, `By ${provider}`, 'saml');
    makeKnown(connection, {
      entity_id: await own(page, 'Entity ID (identifier)'),
      acs: await own(page, 'Reply address (ACS URL)'),
      slo: await own(page, 'Sign-out address (SLO URL)'),
    });
    await page.locator('input[name="metadata_url"]').fill(providers()[provider].metadata);
    await send(page, 'metadata_url');
    const names = attributes(provider);
    await page.locator('input[name="attribute_email"]').fill(names.email);
    await page.locator('input[name="attribute_name"]').fill(names.name);
    await page.locator('input[name="attribute_groups"]').fill(names.groups);
    await page.locator('input[name="trust_email"]').check();
    await send(page, 'shape');
    await keepPicture(page, `connection-${provider}`);
    await expectAccessible(page);
    await admit(page);
    const fresh = async () => (await browser.newContext()).newPage();
    const leave = endsThere ? back : async (at: Page) => expect(at).toHaveURL(/\/slo\?/);
    await live({ page, fresh, connection, signIn: (at) => signInBySaml(at, person), name, leave, endsThere });
  });
}
