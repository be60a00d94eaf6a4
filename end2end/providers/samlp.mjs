// samlp as an identity provider of the tests, on node's own HTTP server: it was made for express, and needs little of it.
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

import samlp from 'samlp';

const port = Number(process.env.PROVIDER_PORT);
const url = `http://127.0.0.1:${port}`;
const issuer = `${url}/idp`;
const key = readFileSync(process.env.PROVIDER_KEY, 'utf8');
const cert = readFileSync(process.env.PROVIDER_CERTIFICATE, 'utf8');

// The same people at every provider: everyone's password is their name and "pw".
const people = {
  alice: { mail: 'alice@example.test', name: 'Alice Ångström', groups: ['staff', 'admins'] },
  bob: { mail: 'bob@example.test', name: 'Bob Brown', groups: ['staff'] },
  // At this provider alone: an address belongs to one account.
  erin: { mail: 'erin@example.test', name: 'Erin Çelik', groups: ['staff', 'admins'] },
};

/** What has made itself known by a file, read at every request. */
function known(entity) {
  const folder = process.env.SERVICE_PROVIDERS;
  const all = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const found = all.find((one) => one.entity_id === entity);
  if (!found) throw new Error('an unknown service provider');
  return found;
}

/** What samlp asks of a person. It calls this without `new`, and looks for `metadata` at the prototype. */
function profileMapper({ id }) {
  const { mail, name, groups } = people[id];
  return {
    getClaims: () => ({ mail, displayName: name, groups }),
    getNameIdentifier: () => ({
      nameIdentifier: id,
      nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    }),
  };
}
profileMapper.prototype.metadata = [];

const escape = (text) => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** The answer that express gives, as far as samlp asks for it. */
function express(response) {
  return Object.assign(response, {
    set: (name, value) => response.setHeader(name, value),
    type: () => response,
    send: (body) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(body);
    },
    redirect: (to) => {
      response.writeHead(302, { Location: to });
      response.end();
    },
  });
}

function form(query) {
  const hidden = ['SAMLRequest', 'RelayState']
    .map((name) => `<input type="hidden" name="${name}" value="${escape(query.get(name) ?? '')}">`)
    .join('');
  return `<!doctype html><title>Sign in</title><form method=post action=/login>${hidden}
<label>Name <input name=username></label><label>Password <input name=password type=password></label>
<button>Sign in</button></form>`;
}

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

function fail(response, error) {
  console.error(error);
  response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(String(error));
}

async function logIn(request, response) {
  const fields = await body(request);
  const id = fields.get('username') ?? '';
  if (!Object.hasOwn(people, id) || fields.get('password') !== `${id}pw`) {
    response.writeHead(403);
    response.end('wrong name or password');
    return;
  }
  // samlp reads the request as it came to the sign-in page.
  const query = Object.fromEntries(fields);
  const asked = Object.assign(request, { method: 'GET', query, body: {}, originalUrl: request.url, user: { id } });
  samlp.parseRequest(asked, (error, parsed) => {
    if (error) return fail(response, error);
    const to = known(parsed.issuer);
    samlp.auth({
      issuer,
      cert,
      key,
      signResponse: true,
      signatureAlgorithm: 'rsa-sha256',
      digestAlgorithm: 'sha256',
      lifetimeInSeconds: 300,
      sessionIndex: `_${randomUUID()}`,
      audience: to.entity_id,
      recipient: to.acs,
      destination: to.acs,
      RelayState: fields.get('RelayState') ?? '',
      profileMapper,
      getUserFromRequest: (from) => from.user,
      getPostURL: (audience, document, from, done) => done(null, to.acs),
    })(asked, express(response), (problem) => fail(response, problem));
  });
}

createServer((request, response) => {
  const asked = new URL(request.url, url);
  if (asked.pathname === '/metadata') {
    const own = Object.assign(request, { originalUrl: request.url, protocol: 'http' });
    samlp.metadata({
      issuer,
      cert,
      redirectEndpointPath: '/sso',
      postEndpointPath: '/sso',
      logoutEndpointPaths: { redirect: '/slo' },
      profileMapper,
    })(own, express(response), (error) => fail(response, error));
  } else if (asked.pathname === '/sso') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(form(asked.searchParams));
  } else if (asked.pathname === '/login' && request.method === 'POST') {
    logIn(request, response).catch((error) => fail(response, error));
  } else {
    response.writeHead(404);
    response.end('not here');
  }
}).listen(port, '127.0.0.1');
