"""What people do with schedules: create, change, pause, resume, run, delete and look."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contracts.identifiers import id_of_run, new_id
from contracts.schedules import ScheduleDefinition, ScheduleFiring, is_same
from coordination.ports import UnknownOutcomeError
from schedules.definitions import check_timing, checked_name
from schedules.firing import Firings
from schedules.rows import FiringRow, ScheduleEventRow, ScheduleRow
from schedules.store import NoSuchScheduleError, ScheduleStore
from schedules.transactions import (
    Author,
    Change,
    Found,
    creation,
    deletion,
    edit,
    pause,
    resumption,
    run_by_hand,
)
from submission import FieldProblem, InvalidSubmissionError, KnownKinds, SubmissionUnknownError

#: What a request to create or to change a schedule did.
Done = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class ScheduleService:
    """Changes schedules for people. All methods raise UnknownOutcomeError."""

    store: ScheduleStore
    firings: Firings
    kinds: KnownKinds

    async def put(
        self, name: str, asked: ScheduleDefinition, actor: str, reason: str = ""
    ) -> tuple[ScheduleRow, Done]:
        """Create a schedule, or let it be what is asked; the same again changes nothing.

        Raises InvalidSubmissionError, which names the field, and InvalidTransactionError.
        """
        checked_name(name)
        found = await self.store.look(name)
        if found is not None and is_same(found.row.asked, asked):
            return found.row, "unchanged"
        await self._check(asked, found)
        done: Done = "unchanged"

        def build(found: Found | None, author: Author) -> Change | None:
            nonlocal done
            change = creation(name, asked, author) if found is None else edit(found, asked, author)
            done = "unchanged" if change is None else "created" if found is None else "changed"
            return change

        change = await self.store.change(name, actor, reason, build)
        if change is not None and change.row is not None:
            return change.row, done
        return await self.get(name), done

    async def get(self, name: str) -> ScheduleRow:
        """Return a schedule. Raises NoSuchScheduleError."""
        found = await self.store.look(checked_name(name))
        if found is None:
            raise NoSuchScheduleError
        return found.row

    async def all(self, limit: int, after: str = "") -> list[ScheduleRow]:
        """Return the first schedules behind one of this name, by name."""
        return await self.store.some(limit, after)

    async def events(self, name: str, limit: int, after: str = "") -> list[ScheduleEventRow]:
        """Return the first events of a schedule behind one of this id, also of one that was deleted.

        Raises NoSuchScheduleError when there never was one.
        """
        found = await self.store.events(checked_name(name), limit, after)
        if not found and not await self.store.events(name, 1):
            raise NoSuchScheduleError
        return found

    async def pause(self, name: str, actor: str, reason: str = "") -> ScheduleRow:
        """Let a schedule be due no more until it is resumed; harmless when repeated.

        Raises NoSuchScheduleError.
        """
        return await self._change(name, actor, reason, pause)

    async def resume(self, name: str, actor: str, reason: str = "") -> ScheduleRow:
        """Let a schedule be due again from now on; harmless when repeated. Raises NoSuchScheduleError."""
        return await self._change(name, actor, reason, resumption)

    async def delete(self, name: str, actor: str, reason: str = "") -> ScheduleRow:
        """Delete a schedule; its jobs and its audit trail stay. Return it as it was.

        Raises NoSuchScheduleError.
        """
        deleted: ScheduleRow | None = None

        def build(found: Found | None, author: Author) -> Change:
            if found is None:
                raise NoSuchScheduleError
            nonlocal deleted
            deleted = found.row
            return deletion(found, author)

        await self.store.change(checked_name(name), actor, reason, build)
        if deleted is None:
            raise NoSuchScheduleError
        return deleted

    async def run(self, name: str, actor: str, reason: str = "", key: str | None = None) -> ScheduleFiring:
        """Submit the job of a schedule now, also of one that is paused; its next due time stays.

        With an idempotency key, the same request again finds the same job. When the storage does not answer
        the submission, a scheduler submits the job as soon as it can. Raises NoSuchScheduleError, and for a
        job that cannot be submitted InvalidSubmissionError, LockBusyError or TooManyWaitingError.
        """
        checked_name(name)
        job_id = new_id() if key is None else id_of_run(name, actor, key)
        while True:
            if key is not None and await self.store.was_run(name, job_id):
                return await self._earlier(name, job_id)
            found = await self.store.look(name)
            if found is None:
                raise NoSuchScheduleError
            change = run_by_hand(found, job_id, self.store.author(actor, reason), is_kept=key is not None)
            if await self.store.commit(change) is not None:
                return await self._submit(change.firings[0])

    async def _submit(self, firing: FiringRow) -> ScheduleFiring:
        stored = await self.store.firing(firing.key)
        if stored is None:
            # A scheduler was quicker.
            return await self._earlier(firing.name, firing.job_id)
        try:
            said, refusal = await self.firings.try_to_settle(firing, stored.etag)
        except (SubmissionUnknownError, UnknownOutcomeError):
            return _pending(firing.job_id, datetime.fromisoformat(firing.due_at))
        if refusal is not None:
            raise refusal
        return said

    async def _earlier(self, name: str, job_id: str) -> ScheduleFiring:
        """Return what became of a run that was asked for before, as far as it is remembered."""
        found = await self.store.look(name)
        firings = [] if found is None else found.row.firings
        now = self.store.clock.now()
        return next((one for one in firings if one.job_id == job_id), _pending(job_id, now))

    async def _check(self, asked: ScheduleDefinition, found: Found | None) -> None:
        now = self.store.clock.now()
        created_at = now if found is None else datetime.fromisoformat(found.row.created_at)
        check_timing(asked, created_at, now)
        try:
            await self.kinds.check(asked.job.kind, asked.job.parameters)
        except InvalidSubmissionError as error:
            problems = [
                FieldProblem(field=f"job.{problem.field}", message=problem.message)
                for problem in error.fields
            ]
            raise InvalidSubmissionError(problems, error.known_kinds) from None

    async def _change(
        self, name: str, actor: str, reason: str, build: Callable[[Found, Author], Change | None]
    ) -> ScheduleRow:
        def build_existing(found: Found | None, author: Author) -> Change | None:
            if found is None:
                raise NoSuchScheduleError
            return build(found, author)

        change = await self.store.change(checked_name(name), actor, reason, build_existing)
        return change.row if change is not None and change.row is not None else await self.get(name)


def _pending(job_id: str, at: datetime) -> ScheduleFiring:
    return ScheduleFiring(due_at=at, trigger="hand", outcome="pending", job_id=job_id, detail="", at=at)
