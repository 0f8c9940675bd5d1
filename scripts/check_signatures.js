// The part of check_signatures.py that npm's standardwebhooks and Node's own ed25519 do. Reads one case a line and writes, for
// each, whether our signatures hold, and signatures of its own.
const crypto = require("node:crypto");
const readline = require("node:readline");
const { Webhook } = require("standardwebhooks");

// What stands before the 32 bytes of an ed25519 public key in its DER form (RFC 8410).
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

const holds = (check) => {
  try {
    return check() !== false;
  } catch {
    return false;
  }
};

function answer({ secret, id, timestamp, body, tampered, headers, public_key }) {
  const webhook = new Webhook(secret);
  const raw = Buffer.from(public_key.replace("whpk_", ""), "base64");
  const key = crypto.createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  const code = headers["webhook-signature"].split(" ").find((each) => each.startsWith("v1a,")).slice(4);
  const v1a = (text) =>
    crypto.verify(null, Buffer.from(`${id}.${timestamp}.${text}`), key, Buffer.from(code, "base64"));
  const own = crypto.generateKeyPairSync("ed25519");
  const signed = crypto.sign(null, Buffer.from(`${id}.${timestamp}.${body}`), own.privateKey);
  const ownKey = own.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length);
  return {
    v1: holds(() => webhook.verify(body, headers)) && !holds(() => webhook.verify(tampered, headers)),
    v1a: holds(() => v1a(body)) && !holds(() => v1a(tampered)),
    signed_v1: webhook.sign(id, new Date(timestamp * 1000), body),
    signed_v1a: `v1a,${signed.toString("base64")}`,
    public_key: `whpk_${ownKey.toString("base64")}`,
  };
}

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
