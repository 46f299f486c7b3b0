// A real, strict OpenID provider for tests, on a loopback port until its process ends.
// argv[2]: a JSON file with port, clients, kid and accounts {login: claims}; accounts are read anew at every sign-in.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Provider } from "oidc-provider";

const config = () => JSON.parse(readFileSync(process.argv[2], "utf8"));
const { port, clients, kid } = config();
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(issuer, {
  clients,
  jwks: { keys: [{ ...key, kid, use: "sig", alg: "RS256" }] },
  cookies: { keys: ["for tests only"] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => {
    const claims = config().accounts[id];
    return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
  },
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ accountId: ctx.oidc.session.accountId, clientId: ctx.oidc.client.clientId });
    grant.addOIDCScope("openid email profile");
    await grant.save();
    return grant;
  },
});

const page = (uid) => `<!doctype html><html lang="en"><title>Sign in at the company</title>
<form method="post" action="/interaction/${uid}"><label>Login <input name="login" autofocus></label>
<button type="submit">Sign in</button></form><a href="/interaction/${uid}/abort">Cancel</a></html>`;

provider.use(async (ctx, next) => {
  const [, uid, abort] = ctx.path.match(/^\/interaction\/([\w-]+)(\/abort)?$/) ?? [];
  if (ctx.path === "/favicon.ico") return void (ctx.status = 204);
  if (!uid) return next();
  const finish = (result) => provider.interactionFinished(ctx.req, ctx.res, result);
  ctx.respond = false;
  if (abort) return finish({ error: "access_denied", error_description: "cancelled" });
  if (ctx.method === "GET") return void ctx.res.writeHead(200, { "Content-Type": "text/html" }).end(page(uid));
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  return finish({ login: { accountId: new URLSearchParams(Buffer.concat(chunks).toString()).get("login") } });
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
