"use strict";
/*
 * Azurite's table store with its rows in SQLite, sorted by table, partition and row. A look-up reads one row and a range
 * what is in it, however many rows there are. Azurite's own code still decides what each operation does.
 */

const { Documents, Files, SCHEMA, importDocuments } = require("./documents.js");
const { encode, wanted } = require("./keys.js");
const { Database } = require("./sqlite.js");

const TABLES_SCHEMA = `${SCHEMA};
  -- One without a name is deleted, and its rows are being removed.
  CREATE TABLE tables(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
  CREATE TABLE rows(tab INTEGER NOT NULL, partition BLOB NOT NULL, row BLOB NOT NULL, body TEXT NOT NULL,
                    PRIMARY KEY(tab, partition, row)) WITHOUT ROWID`;
const IN_PARTITION = `SELECT body FROM rows WHERE tab = ? AND partition = ? AND row >= ? AND row <= ?
  ORDER BY row LIMIT ?`;
const IN_TABLE = `SELECT body FROM rows WHERE tab = ? AND (partition, row) >= (?, ?) AND partition <= ?
  ORDER BY partition, row LIMIT ?`;
/** Sorts behind every key. */
const LAST = Buffer.from([0xff]);
/** A query that looks through more rows answers with what it found and where to continue, as Azure does. */
const MOST_LOOKED_THROUGH = 5000;
const MOST_READ = 1000;
/** Rows of deleted tables that are removed at a time. */
const REMOVED_AT_ONCE = 500;
/** The rows of one table, with those methods of a LokiJS collection that Azurite calls. */
class Rows {
  constructor(database, id) {
    this.database = database;
    this.id = id;
  }

  findOne({ PartitionKey, RowKey }) {
    const sql = "SELECT body FROM rows WHERE tab = ? AND partition = ? AND row = ?";
    const [found] = this.database.all(sql, this.id, encode(PartitionKey), encode(RowKey));
    return found ? JSON.parse(found.body) : null;
  }

  insert(entity) {
    const { PartitionKey, RowKey, properties, lastModifiedTime, eTag } = entity;
    const body = JSON.stringify({ PartitionKey, RowKey, properties, lastModifiedTime, eTag });
    const sql = "INSERT OR REPLACE INTO rows VALUES(?, ?, ?, ?)";
    this.database.run(sql, this.id, encode(PartitionKey), encode(RowKey), body);
  }

  update(entity) {
    this.insert(entity);
  }

  remove({ PartitionKey, RowKey }) {
    const sql = "DELETE FROM rows WHERE tab = ? AND partition = ? AND row = ?";
    this.database.run(sql, this.id, encode(PartitionKey), encode(RowKey));
  }

  /** Return rows in key order that match, at most so many, and the keys of the next row to look at, if there is one. */
  select({ partition, row }, from, matches, most) {
    const found = [];
    let [start, looked, size] = [from, 0, most + 1];
    while (true) {
      const rows = this.#read(partition, row, start, size).map(({ body }) => JSON.parse(body));
      const isLast = rows.length < size;
      // The first of a later answer is the last of the one before.
      if (looked) rows.shift();
      for (const entity of rows) {
        if (looked >= MOST_LOOKED_THROUGH) return [found, entity];
        looked += 1;
        if (!matches(entity)) continue;
        if (found.length === most) return [found, entity];
        found.push(entity);
      }
      if (isLast) return [found, undefined];
      start = rows.at(-1);
      // Few match.
      size = MOST_READ;
    }
  }

  #read(partition, row, start, size) {
    const high = (limit) => (limit.high === undefined ? LAST : encode(limit.high));
    if (partition.low !== undefined && partition.low === partition.high) {
      if (start.PartitionKey > partition.low) return [];
      const startRow = start.PartitionKey === partition.low ? start.RowKey : "";
      const low = encode(startRow > (row.low ?? "") ? startRow : row.low ?? "");
      return this.database.all(IN_PARTITION, this.id, encode(partition.low), low, high(row), size);
    }
    const isBehind = start.PartitionKey >= (partition.low ?? "");
    const [first, firstRow] = isBehind ? [start.PartitionKey, start.RowKey] : [partition.low, ""];
    return this.database.all(IN_TABLE, this.id, encode(first), encode(firstRow), high(partition), size);
  }
}

/** Return the class of Azurite's table store with its rows in SQLite. Its callers must take turns. */
function inSqlite(Store, { matcher, parse }) {
  return class SqliteTables extends Store {
    constructor(file, inMemory) {
      // So it neither reads nor writes files of its own.
      super(file, true);
      this.files = new Files(file, inMemory);
      /** Tables that were looked up, by name. */
      this.known = new Map();
    }

    async init() {
      this.database = await Database.open(this.files.database, TABLES_SCHEMA);
      this.files.import(this.database, (collections) => this.import(collections));
      await super.init();
      this.documents = new Documents(this.database, this.db);
      this.documents.load(this.db);
    }

    async close() {
      await super.close();
      this.database?.close();
    }

    async clean() {
      await super.clean();
      this.files.remove();
    }

    begin() {
      this.database.run("BEGIN IMMEDIATE");
    }

    commit() {
      this.documents.write();
      this.database.run("COMMIT");
      this.documents.written();
      this.forgetRollback();
    }

    undo() {
      this.known.clear();
      this.database.undo();
      this.forgetRollback();
    }

    async queryTableEntities(context, account, table, options, nextPartitionKey, nextRowKey) {
      const rows = this.getEntityCollection(account, table, context);
      const matches = matcher.generateQueryForPersistenceLayer(options, context);
      const range = wanted(options.filter ? parse(options.filter) : undefined);
      const from = {
        PartitionKey: this.decodeContinuationHeader(nextPartitionKey) ?? "",
        RowKey: this.decodeContinuationHeader(nextRowKey) ?? "",
      };
      const [found, next] = rows.select(range, from, matches, this.getMaxResultsOption(options));
      return [found, this.encodeContinuationHeader(next?.PartitionKey), this.encodeContinuationHeader(next?.RowKey)];
    }

    getEntityCollection(account, table, context) {
      const rows = this.rowsOf(this.getTableCollectionName(account, table));
      // It finds none, and says so as ever.
      return rows ?? super.getEntityCollection(account, table, context);
    }

    createCollectionForTable({ account, table }) {
      this.create(this.getTableCollectionName(account, table));
    }

    removeTableCollection(account, { table }) {
      this.known.clear();
      const name = this.getTableCollectionName(account, table).toLowerCase();
      this.database.run("UPDATE tables SET name = NULL WHERE name = ?", name);
    }

    /** Remove some rows of a deleted table; return whether there may be more. */
    removeDeleted() {
      const [deleted] = this.database.all("SELECT id FROM tables WHERE name IS NULL LIMIT 1");
      if (!deleted) return false;
      const sql = `DELETE FROM rows WHERE tab = ?1 AND (partition, row) IN
        (SELECT partition, row FROM rows WHERE tab = ?1 ORDER BY partition, row LIMIT ?2)`;
      const removed = this.database.run(sql, deleted.id, REMOVED_AT_ONCE);
      if (!removed) this.database.run("DELETE FROM tables WHERE id = ?", deleted.id);
      return true;
    }

    rowsOf(name) {
      const known = this.known.get(name);
      if (known) return known;
      const [found] = this.database.all("SELECT id FROM tables WHERE name = ?", name.toLowerCase());
      const rows = found && new Rows(this.database, found.id);
      if (rows) this.known.set(name, rows);
      return rows;
    }

    create(name) {
      this.known.clear();
      this.database.run("UPDATE tables SET name = NULL WHERE name = ?", name.toLowerCase());
      this.database.run("INSERT INTO tables(name) VALUES(?)", name.toLowerCase());
      return this.rowsOf(name);
    }

    import(collections) {
      const own = [this.TABLES_COLLECTION, this.SERVICES_COLLECTION];
      importDocuments(this.database, collections.filter(({ name }) => own.includes(name)));
      for (const { name, data } of collections.filter((one) => !own.includes(one.name))) {
        const rows = this.create(name);
        for (const entity of data) rows.insert(entity);
      }
    }

    /** Azurite notes rows to put back by itself; SQLite does that. */
    forgetRollback() {
      this.transactionRollbackTheseEntities = [];
      this.transactionDeleteTheseEntities = [];
    }
  };
}

module.exports = { inSqlite };
