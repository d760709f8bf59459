"use strict";
/*
 * Processor time of operations on a table, and what a saving, an opening and the memory cost, for the local storage and for
 * the emulator's own store: `node bench/local_storage.js indexed 100000`, `node bench/local_storage.js emulator 100000`.
 * Prints a JSON document. Processor time, as other programs on the machine change it little.
 */

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const AZURITE = path.join(__dirname, "../deploy/azurite/node_modules/azurite/dist/src/table/persistence");
const LOCAL = path.join(__dirname, "../deploy/azurite/local_storage");
const [, , kind = "indexed", size = "10000"] = process.argv;
const rows = Number(size);
const perPartition = 50;
const context = { contextId: "bench", startTime: new Date() };

function store(folder) {
  const Emulators = require(path.join(AZURITE, "LokiTableMetadataStore.js")).default;
  if (kind === "emulator") return new Emulators(path.join(folder, "table.json"), false);
  const { inSqlite } = require(path.join(LOCAL, "tables.js"));
  const { inTurns } = require(path.join(LOCAL, "turns.js"));
  const matcher = require(path.join(AZURITE, "LokiTableStoreQueryGenerator.js")).default;
  const parse = require(path.join(AZURITE, "QueryInterpreter/QueryParser.js")).default;
  return new (inTurns(inSqlite(Emulators, { matcher, parse })))(path.join(folder, "table.json"), false);
}

const key = (number) => String(number).padStart(9, "0");
const partition = (number) => `p${key(Math.floor(number / perPartition))}`;
const row = (PartitionKey, RowKey, number) => ({
  PartitionKey,
  RowKey,
  properties: { Payload: "x".repeat(600), Number: number, Status: number % 1000 === 7 ? "Rare" : "Done" },
  lastModifiedTime: "2026-01-01T00:00:00.0000000Z",
  eTag: `W/"${number}"`,
});
const spent = () => process.cpuUsage().user + process.cpuUsage().system;
const pause = () => new Promise((resolve) => setImmediate(resolve));

/** Return the microseconds of processor time of one call; the first calls, which compile, are left out. */
async function cost(times, call) {
  for (let number = 0; number < times / 2; number += 1) await call(number);
  const before = spent();
  for (let number = 0; number < times; number += 1) {
    await call(times + number);
    if (number % 20 === 0) await pause();
  }
  return Math.round((spent() - before) / times);
}

async function transaction(table, name, start, count, at) {
  await table.beginBatchTransaction(name);
  for (let number = start; number < start + count; number += 1) {
    await table.insertTableEntity(context, "rows", "bench", row(at(number), key(number), number), name);
  }
  await table.endBatchTransaction("bench", "rows", name, context, true);
}

async function pages(table, filter) {
  let [found, partitionKey, rowKey] = [[], undefined, undefined];
  do {
    const options = { filter, top: 1000 };
    const answer = await table.queryTableEntities(context, "bench", "rows", options, partitionKey, rowKey);
    found.push(...answer[0]);
    [, partitionKey, rowKey] = answer;
  } while (partitionKey !== undefined);
  return found;
}

/** Return the longest time in milliseconds that nothing else was done, while a row is written every 10 ms. */
async function longestStop(table, seconds) {
  let [longest, last] = [0, performance.now()];
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 2);
  const end = performance.now() + seconds * 1000;
  for (let number = 0; performance.now() < end; number += 1) {
    await table.insertTableEntity(context, "rows", "bench", row("stop", key(number), number), "");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  clearInterval(watch);
  return Math.round(longest);
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "turnstile-bench-"));
  const table = store(folder);
  await table.init();
  await table.createTable(context, { account: "bench", table: "rows" });
  for (let start = 0; start < rows; start += 100) {
    await transaction(table, `fill${start}`, start, 100, partition);
    await pause();
  }
  const times = kind === "emulator" && rows > 20_000 ? 20 : 400;
  const any = (number) => (number * 7919) % rows;
  const query = (filter, top) => table.queryTableEntities(context, "bench", "rows", { filter, top });
  const result = { kind, rows, node: process.version };
  result.microseconds = {
    "point read": await cost(times, (n) =>
      table.queryTableEntitiesWithPartitionAndRowKey(context, "rows", "bench", partition(any(n)), key(any(n)), "")),
    insert: await cost(times, (n) => table.insertTableEntity(context, "rows", "bench", row("new", key(n), n), "")),
    "replace if unchanged": await cost(times, (n) => {
      const entity = row(partition(any(n)), key(any(n)), any(n));
      return table.insertOrUpdateTableEntity(context, "rows", "bench", entity, entity.eTag, "");
    }),
    "transaction of 5": await cost(times, (n) => transaction(table, `t${n}`, n * 5, 5, () => "transactions")),
    "20 rows of a partition": await cost(times, (n) =>
      query(`PartitionKey eq '${partition(any(n))}' and RowKey ge '0' and RowKey lt '9'`, 20)),
    "50 rows over partitions": await cost(times, (n) => query(`PartitionKey ge '${partition(any(n))}'`, 50)),
    "rare rows of the table": await cost(3, () => pages(table, "Status eq 'Rare'")),
  };
  result.longest_stop_ms = await longestStop(table, 12);
  result.memory_mb = Math.round(process.memoryUsage().rss / 2 ** 20);
  if (kind === "emulator") {
    // Its saving to close and its saving every five seconds break each other.
    table.db.autosaveDisable();
    while (fs.existsSync(path.join(folder, "table.json~"))) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await table.close();
  const before = spent();
  const again = store(folder);
  await again.init();
  result.open_ms = Math.round((spent() - before) / 1000);
  await again.close();
  console.log(JSON.stringify(result, null, 1));
  fs.rmSync(folder, { recursive: true });
}

main().then(() => process.exit(0));
