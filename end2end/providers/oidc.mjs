// oidc-provider as an identity provider of the tests. Whoever wants to be known registers (RFC 7591), so that each test has
// clients of its own, with addresses of its own.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const port = Number(process.env.PROVIDER_PORT);
const issuer = `http://127.0.0.1:${port}`;

// The same people at every provider; this one takes any password.
const people = {
  alice: { email: 'alice@example.test', email_verified: true, name: 'Alice Ångström', groups: ['staff', 'admins'] },
  bob: { email: 'bob@example.test', email_verified: false, name: 'Bob Brown', groups: ['staff'] },
};

let made = 0;

/** A key for each algorithm that Shutterpost takes; RS256 and PS256 share one. */
function makeKeys() {
  made += 1;
  const pairs = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ed25519'),
  ];
  return pairs.map(({ privateKey }) => {
    const key = privateKey.export({ format: 'jwk' });
    return { ...key, kid: `${key.kty}-${made}`, use: 'sig' };
  });
}

// The newest first: that is what is signed with. Old ones stay, for hints that were signed with them.
let keys = makeKeys();

// Of all providers that this one becomes: new keys are no new provider.
const adapter = createMemoryAdapter();

function makeProvider() {
  const provider = new Provider(issuer, {
    jwks: { keys },
    adapter,
    cookies: { keys: ['these tests have nothing to hide'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true },
      registration: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    // Its own guard speaks to no loopback address, where all of the tests are.
    fetch: (url, options) => {
      if (!['127.0.0.1', 'localhost'].includes(new URL(url).hostname)) throw new Error('loopback only');
      const { dispatcher, ...rest } = options;
      return fetch(url, rest);
    },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  return provider.callback();
}

let answer = makeProvider();

createServer((request, response) => {
  // New keys, as a provider has from time to time. What it knows of clients and sessions stays.
  if (request.method === 'POST' && request.url === '/rotate') {
    keys = [...makeKeys(), ...keys];
    answer = makeProvider();
    response.writeHead(204).end();
    return;
  }
  answer(request, response);
}).listen(port, '127.0.0.1');
