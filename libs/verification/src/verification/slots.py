"""The slots of a lock and the limits that it had: whether each start lay within the limit that was in force.

No clock is asked. The record of a limit names, for each slot that it opened or closed, the fence that the
slot had at that moment; what was started under a higher fence was started later.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise

from coordination.journal import rows
from coordination.journal.limits import RECORDS, LimitRecord, record_key
from coordination.ports import Values
from verification.findings import Invariant
from verification.removed_fences import known_fences
from verification.scratch_database import ScratchDatabase

#: An invariant, what is wrong, and the job that it is about, if it is about one.
Finding = tuple[Invariant, str, str | None]

#: Missing fences that are named, of each slot.
_MOST_NAMED = 3


class SlotCheck:
    """Takes the rows of a lock's other slots than slot 0, and the records of its limits."""

    def __init__(self, partition: str, scratch: ScratchDatabase) -> None:
        self._partition = partition
        self._scratch = scratch
        #: The rows of the slots, by their numbers.
        self.rows: dict[int, Values] = {}
        self._records: dict[str, Values] = {}

    def take(self, key: str, values: Values) -> None:
        """Take the row of a slot, or the record of a limit."""
        if key.startswith(RECORDS):
            self._records[key] = values
            return
        number = key.removeprefix(rows.SLOTS)
        self.rows[int(number) if number.isdecimal() else -1] = values

    def check(self, first: Values, *, has_period: bool) -> Iterator[Finding]:
        """Judge what was taken; `first` is the row of slot 0."""
        records = list(self._read_records())
        yield from self._check_records(records, first)
        for number in self._scratch.slots(self._partition):
            if number:
                yield from self._check_starts(number, records)
                if not has_period:
                    yield from self._check_fences(number)
        limit = records[-1].limit if records else 1
        for number, row in self.rows.items():
            if bool(row.get("is_closed")) != (number >= limit):
                state = "closed" if row.get("is_closed") else "open"
                yield Invariant.EXCLUSION, f"slot {number} is {state}, and the limit is {limit}", None

    def _read_records(self) -> Iterator[LimitRecord]:
        for _, values in sorted(self._records.items()):
            try:
                record = LimitRecord.from_values(values)
                _fences(record)
            except (TypeError, ValueError):
                continue
            yield record

    def _check_records(self, records: list[LimitRecord], first: Values) -> Iterator[Finding]:
        if len(records) != len(self._records):
            yield Invariant.EVENTS, "the record of a limit cannot be read", None
        for number, record in enumerate(records, 1):
            if record.number != number or record_key(number) not in self._records:
                yield Invariant.EVENTS, f"limit {record.number} stands in the place of limit {number}", None
            if record.hash != record.computed_hash:
                yield Invariant.EVENTS, f"the hash of limit {number} does not match its content", None
        for earlier, later in pairwise(records):
            if later.previous_hash != earlier.hash or later.previous != earlier.limit:
                what = f"limit {later.number} does not follow from the one before"
                yield Invariant.EVENTS, what, None
        last = (records[-1].limit, records[-1].number) if records else (None, None)
        said = first.get("limit"), first.get("limit_number")
        if said != last:
            what = (
                f"the lock's row says limit {said[0]} by record {said[1]}, the records {last[0]}, {last[1]}"
            )
            yield Invariant.EVENTS, what, None

    def _check_starts(self, number: int, records: list[LimitRecord]) -> Iterator[Finding]:
        changes = [(fences[number], record) for record in records if number in (fences := _fences(record))]
        for run in self._scratch.runs(self._partition, number):
            earlier = [record for fence, record in changes if fence < run.fence]
            if not earlier or earlier[-1].limit <= number:
                by = f"by limit {earlier[-1].number}" if earlier else "as no limit had opened it"
                what = f"its run with fence {run.fence} began in slot {number}, which was closed {by}"
                yield Invariant.EXCLUSION, what, run.job_id

    def _check_fences(self, number: int) -> Iterator[Finding]:
        """See that no run is missing: fences count up by one with each start and each take-over."""
        last, may_skip = 0, False
        for known in known_fences(self._scratch, self._partition, number):
            yield from _missing(number, last, known.first, may_skip=may_skip)
            if known.last >= last:
                last, may_skip = known.last, known.may_skip
        row = self.rows.get(number, {})
        fence = row.get("fence")
        yield from _missing(number, last, (fence if isinstance(fence, int) else 0) + 1, may_skip=may_skip)


def _missing(number: int, last: int, following: int, *, may_skip: bool) -> Iterator[Finding]:
    first = last + 1
    if may_skip and following - first == 1:
        return
    for fence in range(first, min(following, first + _MOST_NAMED)):
        yield Invariant.EXCLUSION, f"no run of slot {number} has the fence {fence}", None


def _fences(record: LimitRecord) -> Mapping[int, int]:
    """Return the slots that a record opened or closed, each with its fence. Raises ValueError."""
    found = json.loads(record.fences)
    if not isinstance(found, dict):
        raise ValueError(record.fences)
    return {int(slot): int(fence) for slot, fence in found.items()}
