// Verifies a delivery of OpsKnight Webhooks. Needs nothing but Node.js 16.
//
//     node verify.mjs SECRET HEADERS_FILE BODY_FILE
//
// The headers file has a line "name: value" for each header, the body file the
// body's bytes as they arrived. Prints "valid", or "invalid" and exits with 1.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

/** headers: names in lower case; body: a Buffer of the raw bytes, not parsed JSON. */
export function verify(secret, headers, body, toleranceSeconds = 300) {
  const encoded = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : null;
  const decoded = encoded === null ? null : Buffer.from(encoded, "base64");
  // Not a generated secret: its text is the key.
  const key = decoded?.toString("base64") === encoded ? decoded : Buffer.from(secret);
  const timestamp = headers["webhook-timestamp"] ?? "";
  // An old delivery may be sent again by somebody else.
  if (!/^\d+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const mac = createHmac("sha256", key);
  mac.update(`${headers["webhook-id"] ?? ""}.${timestamp}.`);
  const expected = Buffer.from(`v1,${mac.update(body).digest("base64")}`);
  // While a secret is being rotated there is one signature for each.
  const given = (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

function main([secret, headersFile, bodyFile]) {
  const headers = {};
  for (const line of readFileSync(headersFile, "utf8").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
  }
  const valid = verify(secret, headers, readFileSync(bodyFile));
  console.log(valid ? "valid" : "invalid");
  process.exitCode = valid ? 0 : 1;
}

if (process.argv.length === 5) {
  main(process.argv.slice(2));
} else {
  console.error("usage: node verify.mjs SECRET HEADERS_FILE BODY_FILE");
  process.exitCode = 2;
}
