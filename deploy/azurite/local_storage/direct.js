"use strict";
/*
 * Answers the usual requests to tables directly, as Azurite's layers take most of the processor time of a request.
 *
 * Only what succeeds is answered here. A request with anything unusual, or that does not succeed, changes nothing here:
 * Azurite carries it out as ever, and words all errors.
 */

const crypto = require("node:crypto");
const { answer } = require("./batches.js");
const { carryOut, one, several } = require("./changes.js");
const { etagOf, shown } = require("./entities.js");
const { changesOf, recognized } = require("./requests.js");
const { Signatures } = require("./signatures.js");

/** Return the class of Azurite's listener with the usual requests answered directly. */
function withDirectAnswers(Factory, { constants, logger }) {
  return class extends Factory {
    createRequestListener() {
      const azurites = super.createRequestListener();
      // These look at each request on Azurite's way.
      const isWatched = this.enableAccessLog || logger.strategy.constructor.name !== "NoLoggerStrategy";
      if (isWatched || !this.skipApiVersionCheck) return azurites;
      const server = new DirectAnswers(this.metadataStore, new Signatures(this.accountDataStore), constants);
      return (request, response) => server.serve(request, response, azurites);
    }
  };
}

class DirectAnswers {
  #turns;
  #signatures;
  #headers;

  constructor(turns, signatures, { VERSION, TABLE_API_VERSION }) {
    this.#turns = turns;
    this.#signatures = signatures;
    this.#headers = { server: `Azurite-Table/${VERSION}`, version: TABLE_API_VERSION };
  }

  /** Answer the request, or have Azurite answer it. */
  serve(request, response, azurites) {
    const otherwise = () => azurites(request, response);
    const found = attempt(() => recognized(request));
    if (!found || request.socket.encrypted || !this.#signatures.isRight(request, found.account, found.path)) {
      otherwise();
    } else if (found.method === "GET") {
      this.#answer(request, response, () => this.#read(found, request.headers), otherwise);
    } else {
      withBody(request, found.length, (body) => {
        const asked = attempt(() => changesOf(found, body, request.headers));
        if (asked) this.#answer(request, response, () => this.#change(found, asked, request.headers), otherwise);
        else otherwise();
      });
    }
  }

  async #answer(request, response, work, otherwise) {
    let answered;
    try {
      answered = this.#turns.isFree() ? work() : await this.#turns.exclusively(work);
    } catch {
      // Nothing of it was done, and Azurite finds the reason again.
    }
    if (!answered) return otherwise();
    // Discards the body, which was put back for Azurite.
    request.resume();
    try {
      this.#send(request, response, answered);
    } catch (error) {
      // It is done, so that Azurite must not do it again: the client sees that its answer got lost.
      response.destroy(error);
    }
  }

  #send(request, response, answered) {
    const { status, headers = [], body } = answered;
    const client = request.headers["x-ms-client-request-id"];
    const all = ["Server", this.#headers.server, ...headers];
    if (client !== undefined && request.url.slice(-7) !== "/$batch") all.push("x-ms-client-request-id", client);
    all.push("x-ms-request-id", crypto.randomUUID(), "x-ms-version", this.#headers.version);
    if (body !== undefined) all.push("Content-Length", String(Buffer.byteLength(body)));
    response.writeHead(status, all);
    response.end(body);
  }

  #read(found, headers) {
    const { database } = this.#turns.store;
    const table = this.#table(found.account, found.table);
    const withMetadata = found.format === "minimalmetadata";
    const type = ["content-type", `application/json;odata=${found.format}`];
    const address = `"odata.metadata":"http://${headers.host}/${found.account}/$metadata#`;
    if (!found.range) {
      const text = one(database, table, found.keys);
      const body = text && shown(text, withMetadata, `${address}${found.table}/@Element",`);
      return body && { status: 200, headers: [...type, "etag", etagOf(text)], body };
    }
    const texts = several(database, table, found.range, found.most + 1);
    const next = texts.length > found.most ? JSON.parse(texts.pop()) : undefined;
    const rows = texts.map((text) => shown(text, withMetadata));
    if (rows.includes(undefined)) return undefined;
    if (next) {
      const encoded = (key) => Buffer.from(key, "utf8").toString("base64");
      type.push("x-ms-continuation-nextpartitionkey", encoded(next.PartitionKey));
      type.push("x-ms-continuation-nextrowkey", encoded(next.RowKey));
    }
    const metadata = withMetadata ? `${address}Tables/@Element",` : "";
    return { status: 200, headers: type, body: `{${metadata}"value":[${rows.join(",")}]}` };
  }

  #change(found, asked, headers) {
    const { database } = this.#turns.store;
    const table = this.#table(found.account, asked.table);
    return database.transaction(() => {
      const etags = asked.changes.map((change) => carryOut(database, table, change));
      if (asked.batch) {
        const type = headers["content-type"].replace("batch", "batchresponse");
        return { status: 202, headers: ["content-type", type], body: answer(asked, etags) };
      }
      const [eTag] = etags;
      if (found.method === "DELETE") return { status: 204 };
      if (found.method !== "POST") return { status: 204, headers: ["etag", eTag] };
      const type = headers.accept === "application/json" ? `${headers.accept};odata=minimalmetadata` : headers.accept;
      return {
        status: 204,
        headers: ["content-type", type, "etag", eTag, "preference-applied", "return-no-content"],
      };
    });
  }

  #table(account, table) {
    const { store } = this.#turns;
    const rows = store.rowsOf(store.getTableCollectionName(account, table));
    if (!rows) throw new Error("There is no such table.");
    return rows.id;
  }
}

/** Call with the body as text. It is put back, so that Azurite can still read it. */
function withBody(request, length, use) {
  if (!length) return use("");
  const parts = [];
  let missing = length;
  const look = () => {
    for (let part; missing > 0 && (part = request.read()) !== null; missing -= part.length) parts.push(part);
    if (missing > 0) return;
    request.off("readable", look);
    const body = Buffer.concat(parts);
    // Before anything else can run: a body that was read to its end ends the request.
    request.unshift(body);
    use(body.toString("utf8"));
  };
  request.on("readable", look);
}

function attempt(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

module.exports = { withDirectAnswers };
