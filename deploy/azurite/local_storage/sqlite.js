"use strict";
/*
 * SQLite by whichever binding this Node.js has: its own (from 22.13), otherwise the one from npm in WebAssembly, which
 * needs no compiler but takes more processor time. Both write the same files.
 *
 * Every change is in the operating system's hands before it is answered, so that it survives a kill of the process.
 * A power cut may take back the last changes, all of a transaction or none: the files are synced at checkpoints, a few
 * megabytes at a time.
 */

const fs = require("node:fs");
const path = require("node:path");
const { own } = require("./ownership.js");

const IN_MEMORY = ":memory:";
const FORMAT = 1;
const SETTINGS = `
  PRAGMA page_size = 8192;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -32768;
  PRAGMA journal_size_limit = 16777216;
`;

/** One SQLite file, with statements that are compiled once. */
class Database {
  #handle;
  #statements = new Map();

  constructor(handle, isNew) {
    this.#handle = handle;
    /** Whether the file held nothing. */
    this.isNew = isNew;
  }

  /** Open the file, or make it. */
  static async open(file, schema) {
    if (file !== IN_MEMORY) await own(path.dirname(file));
    const handle = binding().open(file);
    const database = new Database(handle, true);
    for (const setting of SETTINGS.split(";").filter((line) => line.trim())) database.all(setting);
    const [{ user_version: format }] = database.all("PRAGMA user_version");
    if (format > FORMAT) throw new Error(`${file} was written by a newer version of Turnstile.`);
    database.isNew = format === 0;
    if (database.isNew) database.transaction(() => handle.exec(`${schema}; PRAGMA user_version = ${FORMAT}`));
    return database;
  }

  all(sql, ...values) {
    return this.#statement(sql).all(...values);
  }

  /** Return the first row, or undefined. */
  get(sql, ...values) {
    return this.#statement(sql).get(...values);
  }

  /** Return how many rows it changed. */
  run(sql, ...values) {
    return this.#statement(sql).run(...values).changes;
  }

  /** Do all of the work, or nothing of it. */
  transaction(work) {
    this.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (error) {
      this.undo();
      throw error;
    }
  }

  /** End a transaction that failed; SQLite itself may have ended it already. */
  undo() {
    try {
      this.run("ROLLBACK");
    } catch (error) {
      if (!/no transaction is active/.test(error.message)) throw error;
    }
  }

  /** Close the file; what is closed stays closed. */
  close() {
    if (!this.#handle) return;
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#handle.close();
    this.#handle = undefined;
  }

  #statement(sql) {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#handle.prepare(sql)));
    return statement;
  }
}

function ofNode({ DatabaseSync }) {
  return {
    open(file) {
      const database = new DatabaseSync(file);
      return {
        exec: (sql) => database.exec(sql),
        close: () => database.close(),
        prepare(sql) {
          const statement = database.prepare(sql);
          return {
            all: (...values) => statement.all(...values),
            get: (...values) => statement.get(...values),
            run: (...values) => statement.run(...values),
            finalize() {},
          };
        },
      };
    },
  };
}

function ofWebAssembly({ Database: Handle }) {
  console.warn(`SQLite runs in WebAssembly: Node.js ${process.version} has none. Node.js 22.13 or newer is faster.`);
  return {
    open(file) {
      // It locks with a folder, which a killed process leaves behind; the owner of the data folder may remove it.
      if (file !== IN_MEMORY) fs.rmSync(`${file}.lock`, { recursive: true, force: true });
      const database = new Handle(file);
      return {
        exec: (sql) => database.exec(sql),
        close: () => database.close(),
        prepare(sql) {
          const statement = database.prepare(sql);
          return {
            all: (...values) => statement.all(values),
            get: (...values) => statement.get(values) ?? undefined,
            run: (...values) => statement.run(values),
            finalize: () => statement.finalize(),
          };
        },
      };
    },
  };
}

let chosen;

function binding() {
  chosen ??= optional("node:sqlite", ofNode) ?? optional("node-sqlite3-wasm", ofWebAssembly);
  if (!chosen) {
    throw new Error(
      `Node.js ${process.version} has no SQLite of its own and the package node-sqlite3-wasm is not installed. ` +
        "Use Node.js 22.13 or newer, or set TURNSTILE_LOCAL_STORAGE=emulator.",
    );
  }
  return chosen;
}

function optional(name, adapt) {
  try {
    return adapt(require(name));
  } catch (error) {
    if (["MODULE_NOT_FOUND", "ERR_UNKNOWN_BUILTIN_MODULE"].includes(error.code)) return undefined;
    throw error;
  }
}

module.exports = { Database, IN_MEMORY };
