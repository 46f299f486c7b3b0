// An authorization server for MCP servers: strict, on a loopback port, until its process ends. Clients register
// themselves; every token is for one resource. argv[2]: a JSON file with port and resource. GET /check says whose the
// token is that came as Authorization.
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const { port, resource } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  scopes: ["openid", "offline_access", "mcp"],
  cookies: { keys: ["for tests only"] },
  clientDefaults: { grant_types: ["authorization_code", "refresh_token"] },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, asked) => {
        if (asked !== resource) throw new Error("invalid_target");
        return { scope: "mcp", audience: resource, accessTokenFormat: "opaque" };
      },
    },
  },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  loadExistingGrant: async (ctx) => {
    const { session, client, params } = ctx.oidc;
    const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
    grant.addOIDCScope(`openid ${params.scope ?? ""}`.trim());
    grant.addResourceScope(resource, "mcp");
    await grant.save();
    return grant;
  },
});

const page = (uid) => `<!doctype html><html lang="en"><title>Sign in</title>
<form method="post" action="/interaction/${uid}"><label>Login <input name="login"></label></form></html>`;

provider.use(async (ctx, next) => {
  if (ctx.path === "/check") {
    const token = await provider.AccessToken.find((ctx.get("authorization") ?? "").replace("Bearer ", ""));
    ctx.status = token ? 200 : 401;
    ctx.body = { audience: token?.aud, account: token?.accountId };
    return;
  }
  const [, uid] = ctx.path.match(/^\/interaction\/([\w-]+)$/) ?? [];
  if (!uid) return next();
  ctx.respond = false;
  if (ctx.method === "GET") return void ctx.res.writeHead(200, { "Content-Type": "text/html" }).end(page(uid));
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const accountId = new URLSearchParams(Buffer.concat(chunks).toString()).get("login");
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId } });
});

provider.listen(port, "127.0.0.1");
