"use strict";
/*
 * Rows as requests write them, as they are stored, and as answers show them. Each of these functions returns undefined
 * for what it does not know, which Azurite's own code then reads or writes.
 */

const { etag, stamp } = require("./stamps.js");

const NAME = /^[A-Za-z]\w{0,250}$/;
/** Azurite decodes keys with quotes in several ways, and refuses the other ones. */
const KEY = /^[^\u0000-\u001f\u007f-\u009f/\\#?']{0,400}$/;
const TYPE = "@odata.type";
const MOST_TEXT = 32 * 1024;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/;
/** Properties with a type that are stored as they come. */
const TYPED = {
  "Edm.Int64": (value) => /^-?\d{1,19}$/.test(value),
  "Edm.DateTime": (value) => TIME.test(value),
  "Edm.Binary": (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value),
};
const RESERVED = new Set(["PartitionKey", "RowKey", "Timestamp"]);
/** Azurite shows these otherwise than it stores them. */
const SHOWN_OTHERWISE = ['"Edm.Double"', '"Edm.Guid"'];
const TYPE_OF_TIMESTAMP = ',"Timestamp@odata.type":"Edm.DateTime"';
const BEFORE_PROPERTIES = ',"properties":';
const BEHIND_PROPERTIES = ',"lastModifiedTime":';

function isKey(key) {
  return typeof key === "string" && KEY.test(key);
}

/** Return the keys and the properties of a row as a request has it; the address may have the keys, too. */
function read(text, { partition, row } = {}) {
  if (text[0] !== "{" || text.includes("\n")) return undefined;
  const sent = JSON.parse(text);
  const { PartitionKey = partition, RowKey = row } = sent;
  if (!isKey(PartitionKey) || PartitionKey !== (partition ?? PartitionKey)) return undefined;
  if (!isKey(RowKey) || RowKey !== (row ?? RowKey)) return undefined;
  const properties = [];
  for (const name of Object.keys(sent)) {
    if (name.endsWith(TYPE)) {
      if (!Object.hasOwn(sent, name.slice(0, -TYPE.length))) return undefined;
      continue;
    }
    const value = sent[name];
    const sentType = sent[name + TYPE];
    // Which texts have anyway, and which is not stored.
    const type = sentType === "Edm.String" && typeof value === "string" ? undefined : sentType;
    if (name === "PartitionKey" || name === "RowKey") {
      if (type !== undefined) return undefined;
      continue;
    }
    if (!NAME.test(name) || RESERVED.has(name) || !isKnown(value, type)) return undefined;
    properties.push([name, value, type]);
  }
  return { partition: PartitionKey, row: RowKey, properties };
}

function isKnown(value, type) {
  if (typeof value === "string") {
    if (value.length > MOST_TEXT) return false;
    return type === undefined || (Object.hasOwn(TYPED, type) && TYPED[type](value));
  }
  return type === undefined && (typeof value === "boolean" || Number.isSafeInteger(value));
}

/** Return the text to store and the ETag of a row that is new, or takes the place of another one. */
function written({ partition, row, properties }) {
  const stored = { PartitionKey: partition, RowKey: row };
  for (const [name, value, type] of properties) {
    if (type !== undefined) stored[name + TYPE] = type;
    stored[name] = value;
  }
  return format(partition, row, stored);
}

/** Return the same for a row whose properties are added to those of a stored one. */
function merged(text, { partition, row, properties }) {
  const stored = JSON.parse(text).properties;
  for (const [name, value, type] of properties) {
    if (type === undefined) delete stored[name + TYPE];
    else stored[name + TYPE] = type;
    stored[name] = value;
  }
  return format(partition, row, stored);
}

function format(PartitionKey, RowKey, properties) {
  const lastModifiedTime = stamp();
  properties.Timestamp = lastModifiedTime;
  properties[`Timestamp${TYPE}`] = "Edm.DateTime";
  const eTag = etag(lastModifiedTime);
  return { text: JSON.stringify({ PartitionKey, RowKey, properties, lastModifiedTime, eTag }), eTag };
}

/** Return the ETag of a stored row. */
function etagOf(text) {
  // Quotes within any value are escaped, so that only the property itself can match.
  const start = text.lastIndexOf(',"eTag":');
  return JSON.parse(text.slice(start + 8, -1));
}

/** Return a stored row as answers show it, and its ETag. The text before the first property is the caller's. */
function shown(text, withMetadata, before = "") {
  const start = text.indexOf(BEFORE_PROPERTIES);
  const end = text.lastIndexOf(BEHIND_PROPERTIES);
  const tag = text.lastIndexOf(',"eTag":');
  if (start < 0 || end < start || tag < end || SHOWN_OTHERWISE.some((type) => text.includes(type))) return undefined;
  const properties = text.slice(start + BEFORE_PROPERTIES.length, end);
  if (!properties.startsWith('{"PartitionKey":') || !properties.includes(TYPE_OF_TIMESTAMP)) return undefined;
  const inside = properties.slice(1).replace(TYPE_OF_TIMESTAMP, "");
  if (!withMetadata) return inside.includes(TYPE) ? undefined : `{${inside}`;
  return `{${before}"odata.etag":${text.slice(tag + 8, -1)},${inside}`;
}

module.exports = { etagOf, isKey, merged, read, shown, written };
