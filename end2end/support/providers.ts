// The identity providers that the recipe has started, and how a person signs in at each of them.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';

export type SamlProvider = 'simplesamlphp' | 'pysaml2' | 'samlp';

interface Providers extends Record<SamlProvider, { url: string; metadata: string }> {
  'oidc-provider': { url: string };
  service_providers: string;
}

/** Where they are: the file that `cargo xtask test` names. */
export function providers(): Providers {
  const file = process.env.SHUTTERPOST_TEST_IDPS;
  if (!file) throw new Error('no identity providers; run: cargo xtask test --only browser');
  return JSON.parse(readFileSync(file, 'utf8')) as Providers;
}

/** A client of oidc-provider with these addresses (RFC 7591). */
export async function registerClient(redirect: string, signedOut: string): Promise<{ id: string; secret: string }> {
  const answer = await fetch(`${providers()['oidc-provider'].url}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [redirect], post_logout_redirect_uris: [signedOut] }),
  });
  const client = (await answer.json()) as { client_id: string; client_secret: string };
  return { id: client.client_id, secret: client.client_secret };
}

/** Tells the providers of SAML who asks them; they read the folder at each request. */
export function makeKnown(name: string, values: { entity_id: string; acs: string; slo: string }): void {
  const folder = providers().service_providers;
  const draft = join(folder, `${name}.draft`);
  writeFileSync(draft, JSON.stringify(values));
  renameSync(draft, join(folder, `${name}.json`));
}

/** What each calls the attributes of a person. */
export function attributes(provider: SamlProvider): { email: string; name: string; groups: string } {
  return provider === 'pysaml2'
    ? { email: 'urn:oid:0.9.2342.19200300.100.1.3', name: 'urn:oid:2.16.840.1.113730.3.1.241', groups: 'groups' }
    : { email: 'mail', name: 'displayName', groups: 'groups' };
}

/** Signs in on the page of a provider of SAML. */
export async function signInBySaml(page: Page, person: string): Promise<void> {
  await page.locator('input[name="username"]').fill(person);
  await page.locator('input[name="password"]').fill(`${person}pw`);
  await page.locator('button, input[type="submit"]').first().click();
}

/** Signs in on the pages of oidc-provider, which then asks whether that is all right. */
export async function signInByOidc(page: Page, person: string): Promise<void> {
  await page.locator('input[name="login"]').fill(person);
  await page.locator('input[name="password"]').fill('any');
  await page.locator('button[type="submit"]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
