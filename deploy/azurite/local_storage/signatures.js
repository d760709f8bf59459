"use strict";
/* The signature of a request to the tables. */

const crypto = require("node:crypto");

const MOST_REMEMBERED = 1000;

/** Knows the keys of the accounts, and signatures that were right. */
class Signatures {
  #accounts;
  /** By account object: Azurite makes new ones when it reads the keys again. */
  #known = new WeakMap();

  constructor(accounts) {
    this.#accounts = accounts;
  }

  /** Return whether the request is signed with the first key of the account. Azurite itself looks at any other one. */
  isRight(request, account, path) {
    const found = this.#accounts.getAccount(account);
    const signed = request.headers.authorization;
    if (!found || !signed) return false;
    const text = toSign(request, signed, account, path);
    return text !== undefined && signed === this.#signature(found, text);
  }

  #signature(account, { scheme, text }) {
    let known = this.#known.get(account);
    if (!known) this.#known.set(account, (known = new Map()));
    const asked = scheme + text;
    let signature = known.get(asked);
    if (signature === undefined) {
      const digest = crypto.createHmac("sha256", account.key1).update(text, "utf8").digest("base64");
      signature = `${scheme} ${account.name}:${digest}`;
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(asked, signature);
    }
    return signature;
  }
}

/** Return what is signed, https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key. */
function toSign(request, signed, account, path) {
  const headers = request.headers;
  const date = headers.date || headers["x-ms-date"] || "";
  const resource = `/${account}${path}`;
  if (signed.startsWith("SharedKeyLite ")) return { scheme: "SharedKeyLite", text: `${date}\n${resource}` };
  if (!signed.startsWith("SharedKey ")) return undefined;
  const parts = [request.method, headers["content-md5"] || "", headers["content-type"] || "", date, resource];
  return { scheme: "SharedKey", text: parts.join("\n") };
}

module.exports = { Signatures };
