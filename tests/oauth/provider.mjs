// A real, strict OAuth provider for tests, on a loopback port until its process ends: PKCE, rotation of refresh tokens
// with detection of reuse, revocation, devices, client credentials.
// argv[2]: a JSON file with port, clients, scopes, life (of access tokens, seconds). Read anew at each request for tokens:
// before, after (seconds that its answer waits, before and after it acted), fail (a status instead of an answer).
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Provider } from "oidc-provider";

const config = () => JSON.parse(readFileSync(process.argv[2], "utf8"));
const { port, clients, scopes } = config();
const note = (line) => appendFileSync(`${process.argv[2]}.log`, `${JSON.stringify(line)}\n`);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  scopes,
  clockTolerance: 0,
  cookies: { keys: ["for tests only"] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: false },
  },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email"] },
  ttl: { AccessToken: () => config().life, ClientCredentials: () => config().life, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600, DeviceCode: 600 },
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@company.example` }) }),
  loadExistingGrant: async (ctx) => {
    const { session, client, params } = ctx.oidc;
    const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(`openid ${params.scope ?? ""}`.trim());
    await grant.save();
    return grant;
  },
});

provider.on("grant.revoked", (_, id) => note({ event: "grant.revoked", id }));

const page = (uid) => `<!doctype html><html lang="en"><title>Sign in</title>
<form method="post" action="/interaction/${uid}"><label>Login <input name="login"></label>
<button type="submit">Sign in</button></form></html>`;

provider.use(async (ctx, next) => {
  if (ctx.path === "/token") return tokens(ctx, next);
  const [, uid, abort] = ctx.path.match(/^\/interaction\/([\w-]+)(\/abort)?$/) ?? [];
  if (!uid) {
    await next();
    if (ctx.path.startsWith("/token/")) note({ event: ctx.path, status: ctx.status });
    return;
  }
  const finish = (result) => provider.interactionFinished(ctx.req, ctx.res, result);
  ctx.respond = false;
  if (abort) return finish({ error: "access_denied", error_description: "cancelled" });
  if (ctx.method === "GET") return void ctx.res.writeHead(200, { "Content-Type": "text/html" }).end(page(uid));
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  return finish({ login: { accountId: new URLSearchParams(Buffer.concat(chunks).toString()).get("login") } });
});

async function tokens(ctx, next) {
  const { before = 0, after = 0, fail = 0 } = config();
  note({ event: "asked" });
  await sleep(before * 1000);
  if (ctx.req.socket.destroyed) return note({ event: "lost" }); // who asked is gone: it never came
  if (fail) return void ((ctx.status = fail), (ctx.body = "away"));
  await next();
  const sent = ctx.oidc?.params ?? {};
  note({ event: "token", grant: sent.grant_type, pkce: Boolean(sent.code_verifier), status: ctx.status, error: ctx.body?.error });
  await sleep(after * 1000);
}

provider.listen(port, "127.0.0.1", () => console.log("ready"));
