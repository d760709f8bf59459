"use strict";
/*
 * Transactions of several changes, as text:
 * https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
 * Reads only the form in which clients usually write them. Azurite itself reads any other one.
 */

const { isKey, read } = require("./entities.js");

const MOST_CHANGES = 100;
const ID = "\\w{1,60}(?:-\\w{1,60}){0,6}";
const WHOLE = new RegExp(
  `^--(batch_${ID})\\r\\nContent-Type: multipart/mixed; boundary=(changeset_${ID})` +
    "\\r\\n\\r\\n(?=--)",
);
const PART = new RegExp(
  "^Content-Type: application/http\\r\\nContent-Transfer-Encoding: binary\\r\\n(?:Content-ID: \\d+\\r\\n)?\\r\\n" +
    "(POST|PUT|PATCH|MERGE|DELETE) (\\S+) HTTP/1\\.1\\r\\n((?:[\\w-]+: [^\\r\\n]*\\r\\n)*)\\r\\n",
);
/** A part's headers that Azurite reads, or that say nothing. */
const HEADERS = new Set([
  "accept",
  "content-length",
  "content-type",
  "date",
  "dataserviceversion",
  "if-match",
  "maxdataserviceversion",
  "prefer",
  "x-ms-client-request-id",
  "x-ms-date",
  "x-ms-version",
]);
const TABLE = "[A-Za-z][A-Za-z0-9]{2,62}";
/** With a colon or a dot: Azurite mistakes a host without both for the account. */
const ADDRESS = new RegExp(`^http://[^/]*[.:][^/]*/(\\w+)/(${TABLE})(?:\\(([^()]*)\\))?$`);
/** An ETag, https://stackoverflow.com/a/11572348 as Azurite has it, or any. */
const CONDITION = /^(\*|[wW]\/"([^"]|\\")*")$/;
const KEYS = /^PartitionKey='([^']*)',RowKey='([^']*)'$/;

/** Return the keys in an address, which are percent-encoded. */
function keysOf(text) {
  const [, partition, row] = KEYS.exec(text) ?? [];
  if (!partition || !row || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  const keys = { partition: decodeURIComponent(partition), row: decodeURIComponent(row) };
  return isKey(keys.partition) && isKey(keys.row) ? keys : undefined;
}

/** Return the boundaries, the table and the changes of a transaction; undefined if there is anything unusual in it. */
function parse(text, account) {
  const whole = WHOLE.exec(text);
  if (!whole) return undefined;
  const [start, batch, changeset] = whole;
  const tail = text.lastIndexOf(`\r\n--${changeset}--`);
  const end = text.slice(tail).trim();
  if (tail < start.length - 2 || end.replace("\r\n\r\n", "\r\n") !== `--${changeset}--\r\n--${batch}--`) return undefined;
  const parts = text.slice(start.length - 2, tail).split(`\r\n--${changeset}\r\n`);
  if (parts.shift() !== "" || !parts.length || parts.length > MOST_CHANGES) return undefined;
  const changes = parts.map((part) => change(part, account));
  const [first] = changes;
  const rows = new Set();
  for (const one of changes) {
    if (!one || one.table !== first.table || one.entity.partition !== first.entity.partition) return undefined;
    rows.add(one.entity.row);
  }
  return rows.size === changes.length ? { batch, changeset, table: first.table, changes } : undefined;
}

function change(part, account) {
  const found = PART.exec(part);
  const [, owner, table, key] = (found && ADDRESS.exec(found[2])) ?? [];
  const headers = found && headersOf(found[3]);
  if (!headers || owner !== account || table.toLowerCase() === "tables") return undefined;
  const [head, verb, address] = found;
  const body = part.slice(head.length).replace(/(\r\n)+$/, "");
  const condition = headers.get("if-match");
  if (condition !== undefined && (!CONDITION.test(condition) || /\s/.test(condition))) return undefined;
  const base = { verb: verb === "MERGE" ? "PATCH" : verb, table, address, condition };
  if (verb === "POST") {
    const entity = key === undefined && condition === undefined ? read(body) : undefined;
    return entity && { ...base, entity, quiet: headers.get("prefer") === "return-no-content" };
  }
  const keys = key === undefined ? undefined : keysOf(key);
  if (verb === "DELETE") return keys && !body ? { ...base, condition: condition ?? "*", entity: keys } : undefined;
  const entity = keys && read(body, keys);
  return entity && { ...base, entity };
}

function headersOf(lines) {
  const headers = new Map();
  for (const line of lines.split("\r\n").slice(0, -1)) {
    const colon = line.indexOf(": ");
    const name = line.slice(0, colon).toLowerCase();
    if (!HEADERS.has(name) || headers.has(name)) return undefined;
    headers.set(name, line.slice(colon + 2).trim());
  }
  return headers;
}

const PLAIN = "X-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\n";
const BEFORE_PART = "\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 ";

/** Return the answer to a transaction that was done, whose changes have these ETags. */
function answer({ batch, changeset, changes }, etags) {
  const outer = batch.replace("batch", "batchresponse");
  const inner = changeset.replace("changeset", "changesetresponse");
  let text = `--${outer}\r\nContent-Type: multipart/mixed; boundary=${inner}\r\n\r\n`;
  changes.forEach((one, number) => {
    text += `--${inner}${BEFORE_PART}${answerTo(one, etags[number])}\r\n\r\n`;
  });
  return `${text}--${inner}--\r\n--${outer}--\r\n`;
}

function answerTo({ verb, address, entity, quiet }, eTag) {
  if (verb === "DELETE") return `204 No Content\r\n${PLAIN}DataServiceVersion: 1.0;\r\n`;
  const status = verb === "POST" && !quiet ? "201 Created" : "204 No Content";
  const version = "DataServiceVersion: 3.0;\r\n";
  if (verb !== "POST") return `${status}\r\n${PLAIN}${version}ETag: ${eTag}\r\n`;
  const keys = `PartitionKey='${encodeURIComponent(entity.partition)}',RowKey='${encodeURIComponent(entity.row)}'`;
  const row = `${address}(${keys})\r\n`;
  return `${status}\r\n${PLAIN}${version}Location: ${row}DataServiceId: ${row}ETag: ${eTag}\r\n`;
}

module.exports = { CONDITION, TABLE, answer, keysOf, parse };
