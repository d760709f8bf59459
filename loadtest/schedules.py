"""Schedules of a scenario: creating, changing and deleting them, and reading what becomes of them."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from contracts.schedules import REMEMBERED
from loadtest.actions import ACTOR, Actions, Done
from loadtest.asked import Asked
from loadtest.book import Book, Entry
from loadtest.due_times import Outcome, Phase, Record, Rule, ScheduledJob

_ROUTE = "/api/v1/schedules/{name}"

#: Nothing counts as missed, however long no scheduler was there: each due time gets its outcome.
_MISFIRE_AFTER = 3600

#: How long schedules may take to decide what was due before they are deleted, and lists to have their jobs.
_PATIENCE_SECONDS = 120.0
_LIST_SECONDS = 60.0
_PAUSE_SECONDS = 0.5


@dataclass
class Schedule:
    """One schedule, under load."""

    actions: Actions
    record: Record
    #: Its rule, and since when it counts; None while it is paused.
    _rule: Rule
    _since: tuple[datetime, datetime] | None
    _reached: datetime | None = None

    @classmethod
    def create(cls, actions: Actions, name: str, asked: Asked, seconds: int, *, by_cron: bool) -> "Schedule":
        """Create a schedule that is due each so many seconds. Raises ActionError, as all methods do."""
        record = Record(f"load-{actions.run}-{name}", asked)
        done = _put(actions, record, seconds, by_cron=by_cron)
        created_at = datetime.fromisoformat(done.document["created_at"])
        actions.schedules.append(record)
        record.done.append("created")
        rule = Rule(seconds, None if by_cron else created_at)
        return cls(actions, record, rule, (created_at, created_at))

    @property
    def is_active(self) -> bool:
        """Whether it is due at all."""
        return self._since is not None

    def change(self) -> None:
        """Let it be due each second instead of every other one, or the other way round; it must be active."""
        seconds = 3 - self._rule.seconds
        done = _put(self.actions, self.record, seconds, by_cron=self._rule.anchor is None)
        self._end_phase(done)
        self.record.done.append("changed")
        self._rule = Rule(seconds, self._rule.anchor)
        self._since = datetime.fromisoformat(done.document["changed_at"]), done.answered_at

    def pause(self) -> None:
        """Let it be due no more; it must be active."""
        self._end_phase(self._do("pause"))
        self.record.done.append("paused")

    def resume(self) -> None:
        """Let it be due again; it must be paused."""
        done = self._do("resume")
        changed_at = datetime.fromisoformat(done.document["changed_at"])
        self.record.done.append("resumed")
        self._since = changed_at, changed_at

    def run(self) -> None:
        """Submit its job now."""
        done = self.actions.request(
            "POST",
            f"{_path(self.record)}:run",
            f"{_ROUTE}:run",
            {"reason": "load"},
            expected=(HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT),
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
        outcome = Outcome("refused")
        if done.status == HTTPStatus.ACCEPTED:
            # A scheduler sees to one that is pending.
            kind = done.document["outcome"]
            outcome = Outcome("submitted" if kind == "pending" else kind, done.document["job_id"])
        self.record.done.append("run")
        self.record.by_hand.append(outcome)

    def look(self) -> None:
        """Read what became of its latest due times."""
        self._note(self.actions.request("GET", _path(self.record), _ROUTE).document)

    def must_reach(self, moment: datetime) -> None:
        """Let all that is due up to a moment have to be decided before it is deleted."""
        due = [] if self._since is None else self._rule.between(self._since[0], moment)
        self._reached = due[-1] if due else None

    @property
    def is_there(self) -> bool:
        """Whether all is decided that had to be."""
        return self._reached is None or any(at >= self._reached for at in self.record.outcomes)

    def delete(self) -> None:
        """Delete it."""
        done = self.actions.request("DELETE", f"{_path(self.record)}?reason=load", _ROUTE)
        self._note(done.document)
        if self.is_active:
            self._end_phase(done)
        self.record.done.append("deleted")
        trail = self.actions.items(f"{_path(self.record)}/events?limit=200", f"{_ROUTE}/events")
        self.record.trail = [event["action"] for event in trail]

    def _do(self, action: str) -> Done:
        path = f"{_path(self.record)}:{action}"
        return self.actions.request("POST", path, f"{_ROUTE}:{action}", {"reason": "load"})

    def _end_phase(self, done: Done) -> None:
        assert self._since is not None
        phase = Phase(self._rule, *self._since, done.sent_at, done.answered_at, self._reached)
        self.record.phases.append(phase)
        self._since, self._reached = None, None

    def _note(self, document: Any) -> None:
        outcomes = {
            datetime.fromisoformat(said["due_at"]): Outcome(said["outcome"], said["job_id"])
            for said in document["history"]
            if said["trigger"] == "due"
        }
        known = max(self.record.outcomes, default=datetime.fromisoformat(document["created_at"]))
        if len(document["history"]) == REMEMBERED and outcomes and known < min(outcomes):
            self.record.unseen.append((known, min(outcomes)))
        for due_at, outcome in outcomes.items():
            self.record.note(due_at, outcome)


def delete_all(schedules: Sequence[Schedule]) -> None:
    """Delete schedules, once all is decided that was due before, as far as there is patience."""
    now, until = datetime.now(UTC), time.monotonic() + _PATIENCE_SECONDS
    for schedule in schedules:
        schedule.must_reach(now)
    while not all(schedule.is_there for schedule in schedules) and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
        for schedule in schedules:
            schedule.look()
    for schedule in schedules:
        schedule.delete()


def find_jobs(actions: Actions, book: Book) -> Iterator[Entry]:
    """Find the jobs of all schedules by the list of jobs; return those that the book did not know."""
    until = time.monotonic() + _LIST_SECONDS
    for record in actions.schedules:
        expected = {one.job_id for one in record.outcomes.values() if one.kind == "submitted"}
        while True:
            record.jobs = list(_listed(actions, record))
            if expected <= {job.job_id for job in record.jobs} or time.monotonic() > until:
                break
            time.sleep(_PAUSE_SECONDS)
        for job in record.jobs:
            if job.job_id not in book.entries:
                lock = actions.lock(record.asked.lock)
                yield book.open(job.job_id, lock, record.asked, is_scheduled=True)


def _listed(actions: Actions, record: Record) -> Iterator[ScheduledJob]:
    query = f"/api/v1/jobs?limit=200&property={quote(f'schedule:{record.name}')}"
    for job in actions.items(query, "/api/v1/jobs?property=schedule:{name}"):
        due_at = datetime.fromisoformat(job["properties"]["due_at"])
        yield ScheduledJob(job["job_id"], due_at, is_by_hand=job["actor"] == ACTOR)


def _put(actions: Actions, record: Record, seconds: int, *, by_cron: bool) -> Done:
    second = "*" if seconds == 1 else f"*/{seconds}"
    timing: dict[str, Any] = {"cron": f"{second} * * * * *"} if by_cron else {"interval": seconds}
    body = {**timing, "misfire_after": _MISFIRE_AFTER, "job": actions.body(record.asked), "reason": "load"}
    return actions.request("PUT", _path(record), _ROUTE, body)


def _path(record: Record) -> str:
    return f"/api/v1/schedules/{record.name}"
