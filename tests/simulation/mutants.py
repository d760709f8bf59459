"""Mutants: the protocol with one of its rules taken away each, to see that somebody notices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.network import Network

from azure_storage import connection
from coordination import cancellation, persistence, rows, submission, transactions
from coordination.doorkeeper import Doorkeeper
from coordination.held_rows import HeldRows
from coordination.keeper import Keeper
from coordination.ports import GuardedUpdate, Insert, UnknownOutcomeError, Update
from coordination.rows import JobRow, LockRow
from coordination.serving import Service
from coordination.sweeper import Sweeper
from coordination.tenure import Tenure
from coordination.transactions import Draft
from coordination.watches import Watches

#: Gives what replaces a function, from that function.
Change = Callable[[Any], Any]
Changes = list[tuple[Any, str, Change]]

_TENURE = "tests/unit/coordination/test_tenure.py::test_"
_RULES = "tests/unit/coordination/test_exit_rules.py::test_"
_PROTOCOL = "tests/unit/coordination/test_protocol.py::test_"


@dataclass(frozen=True)
class Mutant:
    """A rule, what is put in its place, and a test beside the simulation that must notice."""

    name: str
    rule: str
    changes: Changes
    other_test: str
    #: A mutant whose changes these contain: what it breaks alone does not count.
    contains: str = ""


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Take a rule away for as long as the context lasts. Raises KeyError for an unknown mutant."""
    changes = MUTANTS[name].changes
    before = [(owner, attribute, owner.__dict__.get(attribute, None)) for owner, attribute, _ in changes]
    for owner, attribute, change in changes:
        setattr(owner, attribute, change(owner.__dict__.get(attribute, None)))
    try:
        yield
    finally:
        for owner, attribute, value in before:
            if value is None:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, value)


class _AnyVersion(str):
    """The version that every row has: what an SDK sends when it is given none."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def _move_lock_whatever_its_version(_: object) -> Any:
    def move_lock(self: Draft, lock: LockRow, before: LockRow, etag: str | None) -> None:
        self.lock = replace(lock, op_id=self.writer.op_id)
        self.operations.append(
            Insert(rows.LOCK_KEY, self.lock.values())
            if etag is None
            else Update(rows.LOCK_KEY, self.lock.changes(before), _AnyVersion("*"))
        )

    return move_lock


def _move_lock_without_mark(original: Any) -> Any:
    def move_lock(self: Draft, lock: LockRow, before: LockRow, etag: str | None) -> None:
        original(self, lock, before, etag)
        *others, last = self.operations
        assert isinstance(last, Insert | Update)
        self.operations[:] = [*others, replace(last, values={**last.values, "op_id": ""})]

    return move_lock


async def _never(*_: object, **__: object) -> bool:
    return False


async def _reload_and_go_on(self: HeldRows) -> None:
    held, until = self.require(), self.write_until()
    lock_row = await self.read(rows.LOCK_KEY, until)
    job_row = await self.read(rows.job_key(held.job.job_id), until)
    assert lock_row is not None
    assert job_row is not None
    self.held = replace(
        held,
        lock=LockRow.from_row(lock_row),
        lock_etag=lock_row.etag,
        job=JobRow.from_row(job_row),
        job_etag=job_row.etag,
    )


async def _write_for_whatever_runs(self: Tenure, job_id: str, build: Any) -> JobRow:
    async with self._mutex:
        reported, self._reported = self._reported, None
        await self._rows.write(build, reported)
        return self._rows.require().job


def _granted_from_now(_: object) -> Any:
    def give(self: Keeper) -> float:
        return float(self.__dict__["_granted"])

    def take(self: Keeper, granted: float) -> None:
        # Every keeper begins with a lease that was never granted.
        self.__dict__["_granted"] = self._clock.boot() if granted > 0 else granted

    return property(give, take)


def _take_over_without_predecessor(original: Any) -> Any:
    def take_over(line: Any, orphan: Any, *more: Any) -> Any:
        return original(line, None, *more)

    return take_over


def _without_tickets(draft: Draft | None) -> None:
    if draft is not None:
        draft.operations[:] = [
            operation
            for operation in draft.operations
            if not (isinstance(operation, Insert) and operation.key.startswith(rows.TICKETS))
        ]


def _take_over_without_ticket(original: Any) -> Any:
    def take_over(*arguments: Any) -> Any:
        draft = original(*arguments)
        _without_tickets(draft)
        return draft

    return take_over


def _end_without_ticket(original: Any) -> Any:
    def end(*arguments: Any) -> Any:
        draft, ended = original(*arguments)
        _without_tickets(draft)
        return draft, ended

    return end


def _repeating_client(original: Any) -> Any:
    def make(*arguments: Any, retry_total: int = 0, **more: Any) -> Any:
        return original(*arguments, **more)

    return make


async def _repeat_after_the_pause_in_any_case(
    clock: Any, call: Any, until: float, first_pause: float = 0.1
) -> Any:
    pause = first_pause
    while True:
        try:
            return await call()
        except UnknownOutcomeError:
            wait = vars(persistence)["random"].uniform(0, pause)
            if clock.boot() + wait >= until:
                raise
            await clock.sleep(wait)
            pause = min(pause * 2, 2.0)


def _same_fence(original: Any) -> Any:
    def end(held: Any, *arguments: Any) -> Any:
        draft, ended = original(held, *arguments)
        if draft.job is not None:
            _start_again_with(draft, held.lock.fence)
        return draft, ended

    return end


def _start_again_with(draft: Draft, fence: int) -> None:
    assert draft.job is not None
    draft.job, draft.lock = replace(draft.job, fence=fence), replace(draft.lock, fence=fence)
    for number, operation in enumerate(draft.operations):
        if isinstance(operation, Insert | Update | GuardedUpdate) and "fence" in operation.values:
            draft.operations[number] = replace(operation, values={**operation.values, "fence": fence})


def _mutant(
    name: str, rule: str, other_test: str, *changes: tuple[Any, str, Change], contains: str = ""
) -> Mutant:
    return Mutant(name, rule, list(changes), other_test, contains)


_ALL = [
    _mutant(
        "no-fence-check",
        "writes are conditional on the lock row",
        f"{_TENURE}a_take_over_that_read_the_line_before_another_one_is_refused",
        (Draft, "move_lock", _move_lock_whatever_its_version),
    ),
    _mutant(
        "no-own-write",
        "a refused write may be one's own earlier try",
        f"{_TENURE}a_lost_answer_is_recognised_as_ones_own_write",
        (Draft, "move_lock", _move_lock_without_mark),
        (submission, "is_own", lambda _: _never),
        (cancellation, "is_own", lambda _: _never),
    ),
    _mutant(
        "read-again-and-go-on",
        "after a refusal, only one's own run is gone on with",
        f"{_TENURE}every_write_of_an_older_holder_is_refused_whatever_its_clock_says",
        (HeldRows, "reload", lambda _: _reload_and_go_on),
    ),
    _mutant(
        "counted-from-the-answer",
        "deadlines are counted from before the request was sent",
        f"{_TENURE}a_renewal_counts_from_before_it_was_sent",
        (Keeper, "_granted", _granted_from_now),
    ),
    _mutant(
        "late-writes",
        "nothing is sent after the soft deadline",
        f"{_TENURE}nothing_is_written_once_the_soft_deadline_has_passed",
        (Keeper, "may_write", lambda _: property(lambda self: True)),
    ),
    _mutant(
        "late-repetitions",
        "nothing is sent again after its time, either",
        f"{_RULES}a_write_is_not_sent_again_after_its_sender_stood_still",
        (persistence, "until_known", lambda _: _repeat_after_the_pause_in_any_case),
    ),
    _mutant(
        "no-look-after-release",
        "whoever gives a lock back looks at its line once more",
        f"{_RULES}a_job_that_came_while_its_lock_was_given_back_is_run",
        (Service, "_look_once_more", lambda _: _never),
        (Sweeper, "_ring_if_idle", lambda _: _never),
        contains="no-sweep",
    ),
    _mutant(
        "conflict-settles-the-bell",
        "a bell that meets a held lock leaves a watch and a copy, or a sweep",
        f"{_PROTOCOL}a_bell_for_a_held_lock_starts_one_watch_and_sends_one_marked_copy",
        (Doorkeeper, "_send_copy", lambda _: _never),
        (Watches, "begin", lambda _: lambda *_: None),
        (Sweeper, "_ring_if_idle", lambda _: _never),
        contains="no-sweep",
    ),
    _mutant(
        "no-sweep",
        "the sweeper rings for work that nobody is at",
        "tests/unit/coordination/test_sweeper.py::test_a_job_whose_doorbell_was_lost_is_rung_for_once_per_lock",
        (Sweeper, "_ring_if_idle", lambda _: _never),
    ),
    _mutant(
        "predecessor-skipped",
        "a take-over ends the run that was cut off",
        f"{_TENURE}an_interrupted_job_goes_back_to_its_place_in_line",
        (transactions, "take_over", _take_over_without_predecessor),
    ),
    _mutant(
        "no-ticket-back",
        "an interrupted job gets its ticket back",
        f"{_TENURE}an_interrupted_job_goes_back_to_its_place_in_line",
        (transactions, "take_over", _take_over_without_ticket),
        (transactions, "end", _end_without_ticket),
    ),
    _mutant(
        "late-write-for-the-next-job",
        "a write names the run that it is for",
        f"{_TENURE}a_late_write_of_an_ended_run_finds_nobody_to_write_for",
        (Tenure, "_write_for", lambda _: _write_for_whatever_runs),
    ),
    _mutant(
        "fence-kept",
        "the fence rises with every start",
        f"{_TENURE}the_fence_rises_with_every_start_also_from_job_to_job",
        (transactions, "end", _same_fence),
    ),
    _mutant(
        "one-lease-id",
        "every tenure has a lease id of its own",
        f"{_TENURE}a_lock_that_is_held_cannot_be_acquired_and_a_definite_loss_is_told_at_once",
        (Keeper, "lease_id", lambda _: property(lambda self: "one for all", lambda self, _: None)),
    ),
    _mutant(
        "closed-id-is-a-job",
        "an id that was closed without a job is no job that exists",
        f"{_RULES}a_submission_repeated_after_its_id_was_closed_is_not_told_that_there_is_a_job",
        (submission, "_is_closed", lambda _: lambda _: False),
    ),
    _mutant(
        "sdk-retries",
        "the storage's client repeats nothing on its own",
        "tests/unit/azure_storage/test_outcomes.py::test_a_range_is_read_or_unknown",
        (Network, "retries_on_its_own", lambda _: property(lambda self: True, lambda self, _: None)),
        (connection, "BlobServiceClient", _repeating_client),
        (connection, "TableServiceClient", _repeating_client),
    ),
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
