"""Reads one lock's partition of the journal, row by row in the order of keys, and judges it at the end."""

import json
from collections import Counter
from contextlib import suppress

from contracts.lock_names import LockNameError, normalise
from contracts.statuses import JobStatus
from coordination.journal import rows
from coordination.journal.limits import RECORDS
from coordination.journal.removal import MARK_KEY
from coordination.journal.rows import JobRow
from coordination.ports import Values
from verification.evidence import Stored
from verification.exclusion import RunCheck
from verification.expected_rows import job_columns
from verification.findings import Invariant, Violation
from verification.history import JobHistory, countable, lock_partition
from verification.removals import Removal, RemovalCheck, known_removed
from verification.removed_fences import forgotten_jobs
from verification.retries import check_names
from verification.row_checks import contradictions, place_in_line
from verification.scope import Scope
from verification.scratch_database import JobFacts, Run, ScratchDatabase
from verification.slots import SlotCheck
from verification.steps import Steps

#: Violations kept of one reading, of each invariant.
_MOST_KEPT = 5000

_EVENT, _JOB = "event|", "job|"


class LockReading:
    """Takes the rows of one partition. Jobs and runs go to the scratch database; little stays here."""

    def __init__(
        self, partition: str, scratch: ScratchDatabase, steps: Steps, scope: Scope, runs: RunCheck
    ) -> None:
        self.partition = partition
        self.violations: list[Violation] = []
        #: Whether a job ran or waited, so that its rows, read one after the other, may not fit together.
        self.is_live = False
        self.lock = ""
        #: Nothing runs or waits.
        self.is_idle = True
        self._scratch = scratch
        self._steps = steps
        self._scope = scope
        self._runs = runs
        self._history: JobHistory | None = None
        self._last_key = ""
        self._lock_row: Values | None = None
        self._slots = SlotCheck(partition, scratch)
        self._removals = RemovalCheck(partition, scratch, scope)
        #: Jobs whose place another job took, and which one did.
        self._replaced: dict[str, str] = {}
        #: Key of the ticket outside the line that is due first.
        self._first_due = ""
        self._kept: Counter[Invariant] = Counter()
        self._steps.forget()

    def feed(self, stored: Stored) -> None:
        """Take the next row."""
        key = stored.key
        if key <= self._last_key:
            self._report(Invariant.EVENTS, f"the row {key} comes twice or out of order")
        self._last_key = key
        if key.startswith(_EVENT):
            job_id = key[len(_EVENT) :].rpartition("|")[0]
            if self._history is None or self._history.job_id != job_id:
                self._close_history()
                self._history = JobHistory(self.partition, job_id, self._steps.remember)
            self._history.feed(stored)
            return
        self._close_history()
        if key.startswith(_JOB):
            self._read_job(key.removeprefix(_JOB), stored.values)
        elif key == rows.lock_key():
            self._lock_row = stored.values
            self.lock = self.lock or str(stored.values.get("lock_name"))
        elif key.startswith((rows.SLOTS, RECORDS)):
            self._slots.take(key, stored.values)
        elif key == MARK_KEY:
            self._removals.take_mark(stored.values)
        elif key.startswith((rows.TICKETS, rows.DUE)):
            self.is_idle = False
            if key.startswith(rows.DUE):
                self._first_due = self._first_due or key
            self._read_ticket(key, stored.values)

    @property
    def removal(self) -> Removal | None:
        """What was removed of the lock; None when nothing was."""
        return self._removals.removal(self.lock)

    def finish(self) -> list[Violation]:
        """Judge what was read as a whole, and return everything that was found."""
        self._close_history()
        for violation in self._runs.check(self.partition):
            self._keep(violation)
        self._check_name()
        self._check_lock_row(self._lock_row, 0)
        self._check_due(self._lock_row or {})
        self._check_slots()
        self._check_removals()
        self._check_replacements()
        for job_id, what in check_names(self._scratch, self.partition):
            # A retry that came while the rows were read is found in the next reading.
            self.is_live = True
            self._report(Invariant.EVENTS, what, job_id)
        for job_id, status in self._scratch.query(
            "SELECT job_id, status FROM jobs WHERE partition = ? AND NOT has_row AND in_scope", self.partition
        ):
            self._report(Invariant.EVENTS, f"its events end with {status}, but it has no row", job_id)
        for job_id, attempts in self._scratch.query(
            "SELECT job_id, attempts FROM jobs WHERE partition = ? AND status = ? AND in_scope"
            " AND job_id NOT IN (SELECT job_id FROM tickets WHERE tickets.partition = jobs.partition)",
            self.partition,
            JobStatus.QUEUED.value,
        ):
            invariant = Invariant.TAKEN_UP_AGAIN if attempts else Invariant.ONE_END
            what = "was interrupted" if attempts else "was submitted"
            self._report(invariant, f"it {what}, is not over, and does not wait in line", job_id)
        return self.violations

    # --- jobs -------------------------------------------------------------------

    def _close_history(self) -> None:
        history, self._history = self._history, None
        if history is None:
            return
        history.close()
        facts = history.facts(self._scope)
        self._scratch.add_job(facts)
        for run in history.runs:
            self._scratch.add_run(run)
        if history.replaced_by:
            self._replaced[history.job_id] = history.replaced_by
        self.lock = self.lock or history.lock
        self.is_live |= not facts.ended_at
        if facts.in_scope:
            for violation in history.violations:
                self._keep(violation)

    def _read_job(self, job_id: str, values: Values) -> None:
        if values.get("status") == JobRow.TOMBSTONE:
            self._scratch.add("closed_ids", (job_id, self.partition))
            return
        facts = self._scratch.job(self.partition, job_id)
        if values.get("status") == JobRow.REMOVED:
            self.lock = self.lock or str(values.get("lock_name"))
            if self._removals.take(job_id, values, has_events=facts is not None):
                # It was removed while this was read, or a removal was cut off.
                self.is_live = True
                self.violations = [found for found in self.violations if found.job_id != job_id]
            return
        if facts is None:
            self.is_live = True
            self._report(Invariant.ONE_END, "it has a row, but was never submitted", job_id)
            return
        self._scratch.execute(
            "UPDATE jobs SET has_row = 1, ticket_key = ?, last_seq = max(last_seq, ?), listed = ?,"
            " retry_of = ?, retried_by = ?"
            " WHERE job_id = ? AND partition = ?",
            place_in_line(values),
            countable(values.get("seq")),
            json.dumps(job_columns(values), default=str) if facts.ended_at else "",
            str(values.get("retry_of") or ""),
            str(values.get("retried_by") or ""),
            job_id,
            self.partition,
        )
        self._compare("row", values, facts)

    def _read_ticket(self, key: str, values: Values) -> None:
        job_id = str(values.get("job_id"))
        self._scratch.add("tickets", (self.partition, job_id))
        facts = self._scratch.job(self.partition, job_id)
        if facts is None:
            self.is_live = True
            self._report(Invariant.ONE_END, f"the ticket {key} is for a job that was never submitted", job_id)
        elif facts.status != JobStatus.QUEUED:
            self._report(Invariant.NOTHING_HELD, f"it waits in line, but is {facts.status}", job_id)
        else:
            # The worker that starts the job trusts the ticket: with an old copy, no start could succeed.
            self._compare("ticket", values, facts)
            if facts.has_row and facts.in_scope and key != facts.ticket_key:
                what = f"it waits in line as {key}, but its row names {facts.ticket_key}"
                self._report(Invariant.EVENTS, what, job_id)

    def _compare(self, name: str, values: Values, facts: JobFacts) -> None:
        if facts.in_scope:
            for what in contradictions(values, facts):
                self._report(Invariant.EVENTS, f"its {name} says {what}", facts.job_id)

    # --- the lock -----------------------------------------------------------------

    def _check_name(self) -> None:
        with suppress(LockNameError):
            spelled = normalise(self.lock)
            if spelled != self.lock:
                what = f"the lock's name is not spelled {spelled!r}, which is how workers spell it"
                self._report(Invariant.EXCLUSION, what)

    def _check_slots(self) -> None:
        """See that every slot is in order, and that each start lay within the limit that was in force."""
        used = {number for number in self._scratch.slots(self.partition) if number}
        for number in sorted(self._slots.rows.keys() | used):
            self._check_lock_row(self._slots.rows.get(number), number)
        for invariant, what, job_id in self._slots.check(
            self._lock_row or {}, has_period=self._scope.has_period
        ):
            # A limit that was set, or a start, while the rows were read is found whole in the next reading.
            self.is_live = True
            self._report(invariant, what, job_id)

    def _check_lock_row(self, lock: Values | None, slot: int) -> None:
        last = self._last_run(slot)
        if lock is None:
            if last is not None:
                self._report(Invariant.EXCLUSION, "the lock has runs, but no row", last.job_id)
            return
        if lock_partition(str(lock.get("lock_name"))) != self.partition:
            what = f"the lock's row is of lock {lock.get('lock_name')!r}, which is another partition's"
            self._report(Invariant.EXCLUSION, what)
        fence, job_id = _integer(lock.get("fence")), str(lock.get("job_id") or "")
        if last is not None and fence < last.fence:
            self._report(
                Invariant.EXCLUSION,
                f"the lock's row has fence {fence}, although a run had fence {last.fence}",
                last.job_id,
            )
        if job_id:
            self.is_idle = False
            facts = self._scratch.job(self.partition, job_id)
            self.is_live |= facts is None
            status = "unknown" if facts is None else facts.status
            if status != JobStatus.RUNNING:
                self._report(Invariant.NOTHING_HELD, f"it holds the lock, but is {status}", job_id)
        if last is not None and not last.ended_at:
            self._check_named(last, lock, job_id)

    def _check_due(self, lock: Values) -> None:
        """See that workers look at the tickets outside the line when the first is due."""
        if not self._first_due:
            return
        due_at, job_id = self._first_due.split("|")[1], self._first_due.rpartition("|")[2]
        known = str(lock.get("next_due") or "")
        if not known or known > due_at:
            self.is_live = True
            what = f"its next attempt is due at {due_at}, and the lock's row says {known or 'that none is'}"
            self._report(Invariant.TAKEN_UP_AGAIN, what, job_id)

    def _check_removals(self) -> None:
        """See that no run is missing, and that what was removed is what the mark says."""
        fence = _integer((self._lock_row or {}).get("fence"))
        for violation in self._removals.check(self.lock, fence):
            # A job that came while the events were read is missing; the next reading finds it.
            self.is_live = True
            self._keep(violation)

    def _check_replacements(self) -> None:
        """See that the jobs are there that took the places of others."""
        if forgotten_jobs(self._scratch, self.partition):
            return
        for job_id, by in self._replaced.items():
            if self._scratch.job(self.partition, by) or known_removed(self._scratch, by) is not None:
                continue
            self.is_live = True
            self._report(Invariant.EVENTS, f"job {by}, which took its place, was never submitted", job_id)

    def _check_named(self, last: Run, lock: Values, job_id: str) -> None:
        """Check that the lock's row names the current run."""
        named = (job_id, lock.get("fence"), lock.get("attempt"), lock.get("worker"))
        if named != (last.job_id, last.fence, last.attempt, last.worker):
            by = f"job {job_id} with fence {named[1]}, attempt {named[2]}, by {named[3]}"
            what = (
                f"it is running with fence {last.fence}, attempt {last.attempt}, by {last.worker}, "
                f"but the lock's row names {by if job_id else 'no job'}"
            )
            self._report(Invariant.EXCLUSION, what, last.job_id)

    def _last_run(self, slot: int) -> Run | None:
        found = self._scratch.one(
            "SELECT * FROM runs WHERE partition = ? AND slot = ? ORDER BY fence DESC LIMIT 1",
            self.partition,
            slot,
        )
        return None if found is None else Run(*found)

    def _report(self, invariant: Invariant, message: str, job_id: str | None = None) -> None:
        self._keep(Violation(invariant, message, self.lock or None, job_id))

    def _keep(self, violation: Violation) -> None:
        if self._kept[violation.invariant] < _MOST_KEPT:
            self._kept[violation.invariant] += 1
            self.violations.append(violation)


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
