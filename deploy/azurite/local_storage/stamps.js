"use strict";
/* Times of changes, of which ETags are made. */

const TICKS_PER_MS = 10_000;

let last = 0;
/** Counted apart: a number does not hold the ticks since 1970. */
let ticks = 0;

/**
 * Return the time, to a ten-millionth of a second and later than any time before. Azurite's own are equal for two
 * changes within a tenth of a millisecond, and then a condition on the first would also hold for the second.
 */
function stamp() {
  const now = Date.now();
  if (now > last) {
    last = now;
    ticks = 0;
  } else if (++ticks === TICKS_PER_MS) {
    last += 1;
    ticks = 0;
  }
  return `${new Date(last).toISOString().slice(0, -1)}${String(ticks).padStart(4, "0")}Z`;
}

/** Return the ETag of a row that was changed then, as Azurite writes it. */
function etag(time) {
  return `W/"datetime'${time.replaceAll(":", "%3A")}'"`;
}

/** Have Azurite take the times of changes from here, too. */
function replaceIn(utilities) {
  const original = utilities.truncatedISO8061Date;
  utilities.truncatedISO8061Date = (date, withMilliseconds, isPrecise) =>
    isPrecise ? stamp() : original(date, withMilliseconds, isPrecise);
}

module.exports = { etag, replaceIn, stamp };
