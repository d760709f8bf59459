"use strict";
/* Reads and changes of rows that are stored as text. Each is part of what Azurite does, without its way there. */

const { etagOf, merged, written } = require("./entities.js");
const { encode } = require("./keys.js");

const ONE = "SELECT body FROM rows WHERE tab = ? AND partition = ? AND row = ?";
const ADD = "INSERT OR IGNORE INTO rows VALUES(?, ?, ?, ?)";
const PUT = "INSERT OR REPLACE INTO rows VALUES(?, ?, ?, ?)";
const REMOVE = "DELETE FROM rows WHERE tab = ? AND partition = ? AND row = ?";
/** Sorts behind every key. */
const LAST = Buffer.from([0xff]);

/** A change that is not possible, for a reason that Azurite finds again and answers with. */
class ImpossibleError extends Error {}

/** Return the text of a row, or undefined. */
function one(database, table, { partition, row }) {
  return database.get(ONE, table, encode(partition), encode(row))?.body;
}

/** Return the text of the rows of a range, in order of their keys and at most so many. */
function several(database, table, { partition, low, isAbove, high, isBelow }, most) {
  const sql = `SELECT body FROM rows WHERE tab = ? AND partition = ? AND row ${isAbove ? ">" : ">="} ?
    AND row ${isBelow ? "<" : "<="} ? ORDER BY row LIMIT ?`;
  const end = high === undefined ? LAST : encode(high);
  return database.all(sql, table, encode(partition), encode(low), end, most).map(({ body }) => body);
}

/** Carry out one change; return the new ETag. Throws when it is not possible. */
function carryOut(database, table, { verb, entity, condition }) {
  const key = [table, encode(entity.partition), encode(entity.row)];
  const put = ({ text, eTag }) => {
    database.run(PUT, ...key, text);
    return eTag;
  };
  if (verb === "POST") {
    const { text, eTag } = written(entity);
    if (!database.run(ADD, ...key, text)) throw new ImpossibleError("The row exists.");
    return eTag;
  }
  if (verb === "PUT" && condition === undefined) return put(written(entity));
  const before = database.get(ONE, ...key)?.body;
  if (before === undefined && condition !== undefined) throw new ImpossibleError("There is no such row.");
  if (condition !== undefined && condition !== "*" && !isSame(verb, etagOf(before), condition)) {
    throw new ImpossibleError("The row has changed.");
  }
  if (verb === "DELETE") return void database.run(REMOVE, ...key);
  return put(verb === "PUT" || before === undefined ? written(entity) : merged(before, entity));
}

function isSame(verb, eTag, condition) {
  // Azurite takes colons for encoded ones, except in deletions.
  const encoded = (text) => text.replace(":", "%3A").replace(":", "%3A");
  return verb === "DELETE" ? eTag === condition : encoded(eTag) === encoded(condition);
}

module.exports = { ImpossibleError, carryOut, one, several };
