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
  "queryTableEntitiesWithPartitionAndRowKey",
];
const ROW_CHANGES = [
  "deleteTableEntity",
  "insertOrMergeTableEntity",
  "insertOrUpdateTableEntity",
  "insertTableEntity",
];
const CHANGES = ["createTable", "deleteTable", "setServiceProperties", "setTableACL", "setTableAccessPolicy"];

/** Return a class with the methods of a table store that Azurite calls, each in its turn. */
function inTurns(Store) {
  class Turns {
    #last = Promise.resolve();
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
      this.#end(batchId, succeeded);
    }

    /** Return whether the transaction is under way. */
    isOpen(batchId) {
      return Boolean(batchId) && this.#open?.batchId === batchId;
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
      let release;
      this.#last = new Promise((resolve) => (release = resolve));
      await before;
      return release;
    }

    #end(batchId, succeeded) {
      if (!this.isOpen(batchId)) return;
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
      // The last of what a look-up is given may be the transaction it belongs to.
      const work = () => this.store[name](...values);
      return this.isOpen(values.at(-1)) ? work() : this.exclusively(work);
    });
  }
  for (const name of ROW_CHANGES) {
    define(name, function (...values) {
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
