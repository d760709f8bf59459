"use strict";
/* The requests to tables that are answered directly. Azurite itself answers any other one. */

const { CONDITION, TABLE, keysOf, parse } = require("./batches.js");
const { read } = require("./entities.js");

/** What needs no decoding beyond that of percent signs, which is the same everywhere. */
const PLAIN = /^[!"$-~]*$/;
const PATH = new RegExp(`^/(\\w{1,60})/(?:(\\$batch)|(${TABLE})(?:\\(([^()?]*)\\))?)$`);
/** An address, or a name without a dot. Azurite takes the account from other names. */
const HOST = /^(\d{1,3}(\.\d{1,3}){3}|[\w-]+)(:\d+)?$/;
/** These change what a request means, or what its answer has to say. */
const UNUSUAL = ["origin", "transfer-encoding", "content-encoding", "x-http-method", "x-http-method-override"];
const FORMATS = {
  "application/json": "minimalmetadata",
  "application/json;odata=minimalmetadata": "minimalmetadata",
  "application/json;odata=nometadata": "nometadata",
};
const BODY_IS_JSON = /^application\/json(;|$)/;
const LONGEST_BODY = 1024 * 1024;
const MOST_ROWS = 1000;
const TEXT = "'((?:[^'\\\\]|'')*)'";
const FILTER = new RegExp(
  `^PartitionKey eq ${TEXT}(?: and RowKey (eq|ge|gt) ${TEXT})?(?: and RowKey (le|lt) ${TEXT})?$`,
);
const PARAMETERS = ["$filter", "$top", "NextPartitionKey", "NextRowKey"];

/** Return what the first line and the headers ask for; undefined for what Azurite has to answer. */
function recognized(request) {
  const { method, url, headers } = request;
  const [path, query, more] = url.split("?");
  const found = more === undefined && PLAIN.test(url) && PATH.exec(path);
  if (!found || !HOST.test(headers.host ?? "") || UNUSUAL.some((name) => headers[name] !== undefined)) return undefined;
  const [, account, batch, table, key] = found;
  const length = Number(headers["content-length"] ?? 0);
  const base = { method, account, path, table, length, query };
  if (!(length <= LONGEST_BODY) || table?.toLowerCase() === "tables") return undefined;
  if (batch) return method === "POST" && query === undefined && length ? base : undefined;
  if (method === "POST") return key === undefined && query === undefined && isJson(base, headers) ? base : undefined;
  if (key === undefined) return undefined;
  if (method === "GET") return length ? undefined : readOf({ ...base, format: FORMATS[headers.accept] }, key);
  const keys = query === undefined ? keysOf(key) : undefined;
  const condition = headers["if-match"];
  if (!keys || (condition !== undefined && !CONDITION.test(condition))) return undefined;
  if (method === "DELETE") return !length && condition !== undefined ? { ...base, keys, condition } : undefined;
  const isChange = (method === "PUT" || method === "PATCH") && isJson(base, headers);
  return isChange ? { ...base, keys, condition } : undefined;
}

function isJson({ length }, headers) {
  return length > 0 && BODY_IS_JSON.test(headers["content-type"] ?? "");
}

function readOf(base, key) {
  if (!base.format) return undefined;
  if (key === "") return pageOf(base);
  const keys = base.query === undefined ? keysOf(key) : undefined;
  return keys && { ...base, keys };
}

/** Return the range of keys that a query asks for. */
function pageOf(base) {
  const values = {};
  for (const part of (base.query ?? "").split("&")) {
    const equals = part.indexOf("=");
    const name = decodeURIComponent(part.slice(0, equals));
    const value = part.slice(equals + 1);
    // Several readings are possible; Azurite has its own.
    if (!PARAMETERS.includes(name) || name in values || /[+=]/.test(value.replace(/=+$/, ""))) return undefined;
    values[name] = decodeURIComponent(value);
  }
  const range = rangeOf(values.$filter ?? "");
  const most = values.$top === undefined ? MOST_ROWS : Number(values.$top);
  if (!range || !/^\d*$/.test(values.$top ?? "") || !(most >= 1 && most <= MOST_ROWS)) return undefined;
  if ((values.NextPartitionKey === undefined) !== (values.NextRowKey === undefined)) return undefined;
  if (values.NextPartitionKey === undefined) return { ...base, range, most };
  if (decoded(values.NextPartitionKey) !== range.partition) return undefined;
  const next = decoded(values.NextRowKey);
  return { ...base, range: next > range.low ? { ...range, low: next, isAbove: false } : range, most };
}

function decoded(text) {
  return Buffer.from(text, "base64").toString("utf8");
}

/** Return the range of rows of one partition; undefined for any other filter. */
function rangeOf(filter) {
  const found = FILTER.exec(filter);
  if (!found) return undefined;
  const [partition, low, high] = [found[1], found[3], found[5]].map((text) => text?.replaceAll("''", "'"));
  const [, , above, , below] = found;
  if (above === "eq") return below ? undefined : { partition, low, high: low, isAbove: false, isBelow: false };
  return { partition, low: low ?? "", high, isAbove: above === "gt", isBelow: below === "lt" };
}

/** Return the changes that a request with this body asks for, and what its answer needs; undefined as above. */
function changesOf(recognized, body, headers) {
  const { method, account, table, keys, condition } = recognized;
  if (!table) return isBatch(headers) ? parse(body, account) : undefined;
  if (method === "DELETE") return { table, changes: [{ verb: method, condition, entity: keys }] };
  const entity = read(body, keys);
  if (!entity) return undefined;
  if (method === "POST") {
    const isPlain = FORMATS[headers.accept] && headers["if-match"] === undefined;
    const isQuiet = isPlain && headers.prefer === "return-no-content";
    return isQuiet ? { table, changes: [{ verb: method, entity, quiet: true }] } : undefined;
  }
  return { table, changes: [{ verb: method, condition, entity }] };
}

function isBatch(headers) {
  return /^multipart\/mixed; boundary="?batch_[\w-]+"?$/.test(headers["content-type"] ?? "");
}

module.exports = { changesOf, recognized };
