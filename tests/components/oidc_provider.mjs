// An OpenID Connect provider for the tests: the certified npm package oidc-provider, with claims shaped as Keycloak's.
// It prints its issuer once it answers. Under /test/ the tests turn its knobs.
import http from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, port, accessTokenSeconds] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));
const issuer = `http://127.0.0.1:${port}`;
const accounts = new Map();
const stored = new Map();

// What is stored is shared by all instances, so that sessions and grants outlive a change of keys.
class Adapter {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { stored.set(this.key(id), payload); }
  async find(id) { return stored.get(this.key(id)); }
  async findBy(name, value) {
    return [...stored].find(([key, each]) => key.startsWith(`${this.model}:`) && each[name] === value)?.[1];
  }
  async findByUid(uid) { return this.findBy('uid', uid); }
  async findByUserCode(userCode) { return this.findBy('userCode', userCode); }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const [key, each] of stored) if (each.grantId === grantId) stored.delete(key);
  }
}

function account(login) {
  if (!accounts.has(login)) accounts.set(login, { groups: [], roles: [] });
  return accounts.get(login);
}

function signingKey(kind) {
  const { privateKey } = kind === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: kind };
}

function create() {
  const provider = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys: [signingKey('RS256'), signingKey('ES256')] },
    cookies: { keys: ['a key of the tests'] },
    claims: {
      openid: ['sub', 'sid'],
      profile: ['preferred_username', 'name', 'groups', 'realm_access'],
      email: ['email', 'email_verified'],
    },
    conformIdTokenClaims: false,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: { AccessToken: Number(accessTokenSeconds), Session: 3600, Grant: 3600, RefreshToken: 3600, IdToken: 300 },
    features: {
      backchannelLogout: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: true },
      revocation: { enabled: true },
    },
    // Its own fetch refuses loopback addresses, where the tests' servers listen.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    async findAccount(ctx, login) {
      const known = account(login);
      if (known.removed) return undefined;
      return {
        accountId: login,
        claims: async () => ({
          sub: login,
          preferred_username: login,
          name: `${login[0].toUpperCase()}${login.slice(1)} Example`,
          email: `${login}@example.org`,
          email_verified: true,
          groups: known.groups,
          realm_access: { roles: known.roles },
          ...known.claims,
        }),
      };
    },
    // Nobody is asked for consent: the forms are the sign-in's alone.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile email offline_access');
      await grant.save();
      return grant;
    },
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.on('backchannel.error', (ctx, error) => console.error(error));
  return provider.callback();
}

const knobs = {
  rotate() { answer = create(); },
  client(given) { stored.set(`Client:${given.client_id}`, given); },
  account({ login, ...given }) { Object.assign(account(login), given); },
};

async function turn(knob, request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  knobs[knob](JSON.parse(Buffer.concat(chunks).toString()));
  response.writeHead(204).end();
}

let answer = create();
http.createServer((request, response) => {
  const knob = /^\/test\/(\w+)$/.exec(request.url)?.[1];
  return knob ? turn(knob, request, response) : answer(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log(issuer));
