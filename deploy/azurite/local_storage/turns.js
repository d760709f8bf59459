"use strict";
/*
 * The operations on a table store, one after the other: a transaction of several requests' worth of changes is all or
 * nothing, and no other operation sees or joins half of it.
 */

/** A transaction whose end never comes is undone, so that it does not stop all others. */
const LONGEST_TRANSACTION_MS = 10_000;
const REMOVAL_PAUSE_MS = 10;
const READS = [
  "getServiceProperties",
  "getTable",
  "getTableAccessPolicy",
  "queryTable",
  "queryTableEntities",
];
/** What may be part of a transaction, which is then the last of the values. */
const ROW_READS = ["queryTableEntitiesWithPartitionAndRowKey"];
const ROW_CHANGES = [
  "deleteTableEntity",
  "insertOrMergeTableEntity",
  "insertOrUpdateTableEntity",
  "insertTableEntity",
];
const CHANGES = ["createTable", "deleteTable", "setServiceProperties", "setTableACL", "setTableAccessPolicy"];

/** Return the error for what comes after a transaction was undone. Azurite puts its status and body into its answer. */
function undone() {
  const text = `The transaction took longer than ${LONGEST_TRANSACTION_MS / 1000} s and was undone.`;
  const error = { code: "OperationTimedOut", message: { lang: "en-US", value: text } };
  return Object.assign(new Error(text), { statusCode: 500, body: JSON.stringify({ "odata.error": error }) });
}

/** Return a class with the methods of a table store that Azurite calls, each in its turn. */
function inTurns(Store) {
  class Turns {
    #last = Promise.resolve();
    /** Operations under way and waiting. */
    #taken = 0;
    #open;
    #removal;

    constructor(...values) {
      this.store = new Store(...values);
    }

    isInitialized() {
      return this.store.isInitialized();
    }

    isClosed() {
      return this.store.isClosed();
    }

    async init() {
      await this.store.init();
      this.#removeDeleted();
    }

    async close() {
      clearTimeout(this.#removal);
      await this.exclusively(() => this.store.close());
    }

    async clean() {
      await this.store.clean();
    }

    async deleteTable(...values) {
      await this.atomically(() => this.store.deleteTable(...values));
      this.#removeDeleted();
    }

    async beginBatchTransaction(batchId) {
      const release = await this.#turn();
      const timer = setTimeout(() => this.#end(batchId, false), LONGEST_TRANSACTION_MS).unref();
      this.#open = { batchId, release, timer };
      this.store.begin();
    }

    async endBatchTransaction(account, table, batchId, context, succeeded) {
      if (succeeded) this.isOpen(batchId);
      this.#end(batchId, succeeded);
    }

    /** Return whether this is an open transaction. Throws for one that was undone: what is left of it must not be done alone. */
    isOpen(batchId) {
      if (!batchId) return false;
      if (this.#open?.batchId !== batchId) throw undone();
      return true;
    }

    /** Return whether no operation is under way or waiting. */
    isFree() {
      return this.#taken === 0 && this.store.isInitialized() && !this.isClosed();
    }

    /** Do the work while no other operation is under way. */
    async exclusively(work) {
      const release = await this.#turn();
      try {
        return await work();
      } finally {
        release();
      }
    }

    /** Do all of the work, or nothing of it, while no other operation is under way. */
    async atomically(work) {
      return this.exclusively(async () => {
        this.store.begin();
        try {
          const result = await work();
          this.store.commit();
          return result;
        } catch (error) {
          this.store.undo();
          throw error;
        }
      });
    }

    async #turn() {
      const before = this.#last;
      let done;
      this.#last = new Promise((resolve) => (done = resolve));
      this.#taken += 1;
      await before;
      return () => {
        this.#taken -= 1;
        done();
      };
    }

    #end(batchId, succeeded) {
      if (this.#open?.batchId !== batchId) return;
      const { release, timer } = this.#open;
      this.#open = undefined;
      clearTimeout(timer);
      try {
        if (succeeded) this.store.commit();
        else this.store.undo();
      } catch (error) {
        this.store.undo();
        throw error;
      } finally {
        release();
      }
    }

    /** Remove the rows of deleted tables a few at a time, between requests. */
    #removeDeleted() {
      const step = async () => {
        const more = await this.atomically(() => this.store.removeDeleted());
        if (more && !this.isClosed()) this.#removal = setTimeout(step, REMOVAL_PAUSE_MS).unref();
      };
      clearTimeout(this.#removal);
      this.#removal = setTimeout(step, 0).unref();
    }
  }

  const define = (name, method) => {
    if (!Object.hasOwn(Turns.prototype, name)) Turns.prototype[name] = method;
  };
  for (const name of READS) {
    define(name, function (...values) {
      return this.exclusively(() => this.store[name](...values));
    });
  }
  for (const name of ROW_READS) {
    define(name, async function (...values) {
      const work = () => this.store[name](...values);
      return this.isOpen(values.at(-1)) ? work() : this.exclusively(work);
    });
  }
  for (const name of ROW_CHANGES) {
    define(name, async function (...values) {
      const work = () => this.store[name](...values);
      return this.isOpen(values.at(-1)) ? work() : this.atomically(work);
    });
  }
  for (const name of CHANGES) {
    define(name, function (...values) {
      return this.atomically(() => this.store[name](...values));
    });
  }
  return Turns;
}

module.exports = { inTurns };
