"use strict";
/* Two changes of a transaction that is undone between them because its end does not come. Prints what is answered. */

const path = require("node:path");

const [, , folder] = process.argv;
const { inTurns } = require(path.join(folder, "turns.js"));

class Store {
  constructor() {
    this.log = [];
  }
  begin() {
    this.log.push("begin");
  }
  commit() {
    this.log.push("commit");
  }
  undo() {
    this.log.push("undo");
  }
  async insertTableEntity(context, table, account, entity) {
    this.log.push(entity);
  }
  async queryTableEntities() {
    return "rows";
  }
}

async function answer(call) {
  try {
    return (await call()) ?? "done";
  } catch (error) {
    return error.statusCode;
  }
}

async function main() {
  // Ten seconds are over at once.
  const wait = setTimeout;
  global.setTimeout = (work, milliseconds) => wait(work, milliseconds / 1000);
  const turns = new (inTurns(Store))();
  const insert = (entity, batchId) => answer(() => turns.insertTableEntity({}, "table", "account", entity, batchId));
  const answers = { ends: [] };
  await turns.beginBatchTransaction("late");
  answers.first = await insert("first", "late");
  const next = insert("next", "");
  await new Promise((resolve) => wait(resolve, 200));
  answers.second = await insert("second", "late");
  for (const succeeded of [false, true]) {
    answers.ends.push(await answer(() => turns.endBatchTransaction("account", "table", "late", {}, succeeded)));
  }
  answers.next = await next;
  answers.page = await answer(() => turns.queryTableEntities({}, "account", "table", {}, "partition", "row"));
  console.log(JSON.stringify({ answers, log: turns.store.log }));
}

main();
