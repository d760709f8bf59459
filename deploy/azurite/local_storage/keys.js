"use strict";
/* Keys of rows as SQLite sorts them, and the range of keys that a query can want. */

const SURROGATES = /[\ud800-\udfff]/;
const FLIPPED = { eq: "eq", lt: "gt", le: "ge", gt: "lt", ge: "le" };

/** Return bytes that sort as the emulator sorts the text: by UTF-16 units, which UTF-8 does not do for all. */
function encode(text) {
  if (!SURROGATES.test(text)) return Buffer.from(text, "utf8");
  const bytes = [];
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return Buffer.from(bytes);
}

/** Return the lowest and the highest of both keys that rows of the query can have; the limits belong to it. */
function wanted(tree) {
  const limits = { PartitionKey: {}, RowKey: {} };
  collect(tree, limits);
  return { partition: limits.PartitionKey, row: limits.RowKey };
}

function collect(node, limits) {
  if (node?.name === "and") {
    collect(node.left, limits);
    collect(node.right, limits);
    return;
  }
  const comparison = compared(node?.name, node?.left, node?.right) ?? compared(FLIPPED[node?.name], node?.right, node?.left);
  if (!comparison) return;
  const { operator, key, value } = comparison;
  const limit = limits[key];
  if (operator !== "lt" && operator !== "le" && !(limit.low > value)) limit.low = value;
  if (operator !== "gt" && operator !== "ge" && !(limit.high < value)) limit.high = value;
}

function compared(operator, name, constant) {
  const isKey = name?.name === "id" && ["PartitionKey", "RowKey"].includes(name.identifier);
  if (!FLIPPED[operator] || !isKey || constant?.name !== "constant" || typeof constant.value !== "string") return undefined;
  return { operator, key: name.identifier, value: constant.value };
}

module.exports = { encode, wanted };
