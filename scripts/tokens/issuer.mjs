// An issuer of tokens for scripts/check_tokens.py: client credentials with JSON Web Tokens as access tokens, for one resource.
// Usage: node issuer.mjs PORT ALGORITHM [KEY_ID]. Each start makes a new key.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

import { Provider } from "oidc-provider";

const [port, algorithm, keyId = "first"] = process.argv.slice(2);
const KINDS = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
// The provider signs its own identity tokens by RS256, so it has such a key too.
const key = (kind, kid) => ({ ...KINDS[kind]().privateKey.export({ format: "jwk" }), kid, alg: kind, use: "sig" });
const keys = [key(algorithm, keyId)];
if (algorithm !== "RS256") {
  keys.push(key("RS256", "identity"));
}
const issuer = `http://127.0.0.1:${port}`;
const RESOURCE = "urn:redundancy";
const client = (client_id) => ({
  client_id,
  client_secret: `${client_id}-secret-of-the-check`,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: "client_secret_post",
});

const provider = new Provider(issuer, {
  clients: ["reader", "writer", "acme"].map(client),
  jwks: { keys },
  scopes: ["read", "write", "admin"],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: () => ({
        scope: "read write admin",
        audience: "redundancy",
        accessTokenTTL: 600,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: algorithm, kid: keyId } },
      }),
    },
  },
  extraTokenClaims: (_context, token) => (token.clientId === "acme" ? { tenant: "acme" } : undefined),
});
createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("ready"));
