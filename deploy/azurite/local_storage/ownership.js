"use strict";
/* One process at a time for a data folder, also after a kill: a listening socket ends with its process. */

const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const owned = new Map();

/** Take the folder for this process. Throws when another process that lives has it. */
function own(folder) {
  const real = fs.realpathSync(folder);
  if (!owned.has(real)) owned.set(real, take(real));
  return owned.get(real);
}

async function take(folder) {
  // Not in the folder itself: the path of a socket may have about a hundred characters.
  const name = crypto.createHash("sha256").update(folder).digest("hex").slice(0, 24);
  const socket = path.join(os.tmpdir(), `turnstile-storage-${name}`);
  try {
    return await listen(socket);
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
  }
  if (await answers(socket)) throw new Error(`Another process uses the data in ${folder}.`);
  fs.rmSync(socket, { force: true });
  return listen(socket);
}

function listen(socket) {
  return new Promise((resolve, reject) => {
    const server = net.createServer((connection) => connection.destroy());
    server.once("error", reject);
    server.listen(socket, () => resolve(server.unref()));
  });
}

function answers(socket) {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });
}

module.exports = { own };
