"use strict";
/*
 * Gives the storage emulator a store that keeps up: `node --require preload.js azurite.js` keeps tables, blobs and
 * leases in SQLite files instead of in memory with a copy of all of it written every five seconds.
 *
 * In any other program, and where TURNSTILE_LOCAL_STORAGE is `emulator`, it does nothing: a container's health check
 * inherits NODE_OPTIONS, too.
 */

const fs = require("node:fs");
const path = require("node:path");
const { durable } = require("./documents.js");
const { withDirectAnswers } = require("./direct.js");
const { replaceIn } = require("./stamps.js");
const { inSqlite } = require("./tables.js");
const { inTurns } = require("./turns.js");

const SETTING = "TURNSTILE_LOCAL_STORAGE";
/** Stores whose documents stay in memory, each change written before it is answered. */
const IN_MEMORY = [
  "blob/persistence/LokiBlobMetadataStore.js",
  "common/persistence/LokiExtentMetadataStore.js",
  "queue/persistence/LokiQueueMetadataStore.js",
];
const TABLES = "table/persistence/LokiTableMetadataStore.js";

/** Replace the stores of the Azurite whose compiled sources are in this folder. */
function install(sources) {
  const load = (name) => {
    const file = path.join(sources, name);
    if (!fs.existsSync(file)) {
      throw new Error(`This Azurite has no ${file}. Set ${SETTING}=emulator to run it unchanged.`);
    }
    return require(file);
  };
  for (const name of IN_MEMORY) {
    const module = load(name);
    module.default = durable(module.default);
  }
  const module = load(TABLES);
  const queries = {
    matcher: load("table/persistence/LokiTableStoreQueryGenerator.js").default,
    parse: load("table/persistence/QueryInterpreter/QueryParser.js").default,
  };
  module.default = inTurns(inSqlite(module.default, queries));
  replaceIn(load("common/utils/utils.js"));
  const listeners = load("table/TableRequestListenerFactory.js");
  const used = { constants: load("table/utils/constants.js"), logger: load("common/Logger.js").default };
  listeners.default = withDirectAnswers(listeners.default, used);
}

const program = process.argv[1] && fs.existsSync(process.argv[1]) ? fs.realpathSync(process.argv[1]) : "";
if (path.basename(program) === "azurite.js") {
  const wanted = process.env[SETTING] || "indexed";
  if (!["indexed", "emulator"].includes(wanted)) {
    throw new Error(`${SETTING} must be indexed or emulator, not "${wanted}".`);
  }
  if (wanted === "indexed") install(path.dirname(program));
}
