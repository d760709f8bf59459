"use strict";
/*
 * Documents of a LokiJS database, kept in SQLite: they stay in memory, where Azurite's code looks them up, and each
 * change is written before it is answered.
 */

const fs = require("node:fs");
const { Database, IN_MEMORY } = require("./sqlite.js");

const SCHEMA = `
  CREATE TABLE documents(collection TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL,
                         PRIMARY KEY(collection, id)) WITHOUT ROWID`;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What changed in a LokiJS database and is not written yet. */
class Documents {
  #database;
  #changed = new Map();

  constructor(database, loki) {
    this.#database = database;
    for (const collection of loki.collections) {
      collection.on(["insert", "update"], (found) => [found].flat().forEach((one) => this.#note(collection, one, one)));
      collection.on("delete", (document) => this.#note(collection, document, undefined));
    }
  }

  /** Put what is stored into the collections. */
  load(loki) {
    const rows = this.#database.all("SELECT collection, body FROM documents ORDER BY collection, id");
    for (const { collection, body } of rows) loki.getCollection(collection)?.insert(parse(body));
    // The collections number them anew.
    this.#database.transaction(() => {
      this.#database.run("DELETE FROM documents");
      this.write();
    });
    this.#changed.clear();
  }

  /** Write what changed, within a transaction of the caller. It stays noted until `written`. */
  write() {
    for (const { collection, id, document } of this.#changed.values()) {
      if (document) {
        this.#database.run("INSERT OR REPLACE INTO documents VALUES(?, ?, ?)", collection, id, format(document));
      } else {
        this.#database.run("DELETE FROM documents WHERE collection = ? AND id = ?", collection, id);
      }
    }
  }

  /** Forget what changed, because it is written. */
  written() {
    this.#changed.clear();
  }

  /** Write what changed, all or nothing. */
  save() {
    if (!this.#changed.size) return;
    this.#database.transaction(() => this.write());
    this.written();
  }

  #note(collection, { $loki: id }, document) {
    this.#changed.set(`${collection.name} ${id}`, { collection: collection.name, id, document });
  }
}

/** Return the class of a LokiJS store of Azurite, with each change written before its method returns. */
function durable(Store) {
  class DurableStore extends Store {
    constructor(file, inMemory) {
      // So it neither reads nor writes files of its own.
      super(file, true);
      this.files = new Files(file, inMemory);
    }

    async init() {
      this.database = await Database.open(this.files.database, SCHEMA);
      this.files.import(this.database, (collections) => importDocuments(this.database, collections));
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
  }
  for (const name of Object.getOwnPropertyNames(Store.prototype)) {
    const method = Store.prototype[name];
    if (method.constructor.name !== "AsyncFunction" || ["init", "close", "clean"].includes(name)) continue;
    DurableStore.prototype[name] = async function (...values) {
      try {
        return await method.apply(this, values);
      } finally {
        // Also what a method changed before it failed, and what others changed that this one has seen.
        this.documents?.save();
      }
    };
  }
  return DurableStore;
}

/** The SQLite file of a store, and the file in which the unchanged emulator kept the same. */
class Files {
  constructor(file, inMemory) {
    this.emulators = inMemory ? undefined : file;
    this.database = inMemory ? IN_MEMORY : file.replace(/(\.json)?$/, ".db");
  }

  /** Take over, once, what the unchanged emulator had stored. Its file is renamed: it gets older by the minute. */
  import(database, take) {
    if (!database.isNew || !this.emulators || !fs.existsSync(this.emulators)) return;
    database.transaction(() => take(JSON.parse(fs.readFileSync(this.emulators, "utf8"), timesAndBytes).collections));
    fs.renameSync(this.emulators, `${this.emulators}.imported`);
  }

  remove() {
    if (this.database === IN_MEMORY) return;
    for (const end of ["", "-wal", "-shm"]) fs.rmSync(this.database + end, { force: true });
  }
}

function importDocuments(database, collections) {
  for (const { name, data } of collections) {
    for (const document of data) {
      database.run("INSERT INTO documents VALUES(?, ?, ?)", name, document.$loki, format(document));
    }
  }
}

/** Return the document as text. Times stay times: as text they would compare as earlier than any time. */
function format({ $loki, meta, ...document }) {
  return JSON.stringify(document, function (key, value) {
    if (this[key] instanceof Date) return { $time: this[key].getTime() };
    if (this[key] instanceof Uint8Array) return { $bytes: Buffer.from(this[key]).toString("base64") };
    return value;
  });
}

function parse(text) {
  return JSON.parse(text, (key, value) => {
    if (value?.$time !== undefined) return new Date(value.$time);
    if (value?.$bytes !== undefined) return Uint8Array.from(Buffer.from(value.$bytes, "base64"));
    return value;
  });
}

function timesAndBytes(key, value) {
  return typeof value === "string" && TIME.test(value) ? new Date(value) : value;
}

module.exports = { Documents, Files, SCHEMA, durable, importDocuments };
