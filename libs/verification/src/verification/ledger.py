"""The effect sink's ledger: what the world outside saw, which no part of the system could have forged.

The sink has a clock of its own. Where it stands to the journal's is taken from the effect that came soonest
after the start of its run; so its times, in the journal's, are never late, and no false alarm comes of them.
Where the times in the file fall, the sink's machine was restarted, and its clock with it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contracts.statuses import EventStatus
from coordination.journal.events import timestamp
from verification.effects import Effect, RunKey, read_effects
from verification.events import UnreadableRowError, read_event, slot_in
from verification.evidence import Evidence
from verification.findings import Invariant, Violation
from verification.history import lock_partition
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase

#: Unknown runs that are looked for once more in the journal, which may have been read before they began.
_MOST_LOOKED_FOR = 200


@dataclass(frozen=True, slots=True)
class _KnownRun:
    fence: int
    #: Its job, and which attempt at it this is; several jobs only where the journal is broken.
    attempts: Mapping[str, int]
    #: None where the time in the journal cannot be read.
    began: float | None
    #: When it ended, or the next run of the slot began; None when neither has happened.
    over: float | None


class LedgerCheck:
    """Goes through a ledger twice: to set its clock, and to judge."""

    def __init__(
        self, path: Path, scratch: ScratchDatabase, scope: Scope, tolerance_seconds: float, late_effects: int
    ) -> None:
        self.accepted = 0
        self.refused = 0
        self._path = path
        self._scratch = scratch
        self._scope = scope
        self._tolerance = tolerance_seconds
        self._late_effects = late_effects
        self._highest: dict[tuple[str, int], int] = {}
        self._last_run: dict[tuple[str, int], _KnownRun] = {}
        self._late: Counter[RunKey] = Counter()
        #: Unknown runs, and whether they have begun since the journal was read.
        self._looked_for: dict[RunKey, bool] = {}
        #: What is to be added to the sink's times, by its restarts, where an effect shows it.
        self._offsets: dict[int, float] = {}

    async def check(self, evidence: Evidence) -> AsyncIterator[Violation]:
        """Judge every effect. Raises OSError, and LedgerError when the file is none."""
        self._set_clock()
        for effect in self._effects():
            is_inside = self._is_inside(effect)
            self.accepted += is_inside and effect.is_accepted
            self.refused += is_inside and not effect.is_accepted
            if not effect.is_accepted:
                continue
            highest = self._highest.get(effect.place, 0)
            self._highest[effect.place] = max(highest, effect.fence)
            if is_inside:
                for violation in self._judge(effect, highest):
                    yield violation
                if not await self._is_known(evidence, effect):
                    what = f"the sink accepted step {effect.step!r} of a run that the journal does not know"
                    yield _violation(Invariant.SINK_FENCES, what, effect)
        for (key, slot, fence, job), count in self._late.items():
            if count > self._late_effects:
                what = (
                    f"the run had {count} effects after it was over; "
                    f"a run that was cut off may have {self._late_effects}"
                )
                yield Violation(Invariant.SINK_OVERLAP, _in_slot(slot, what), key, job, fence)

    def _judge(self, effect: Effect, highest: int) -> Iterator[Violation]:
        if effect.fence < highest:
            what = f"the sink accepted step {effect.step!r} although it had seen fence {highest} before"
            yield _violation(Invariant.SINK_FENCES, what, effect)
        run = self._run_of(effect)
        if run is not None and self._is_after(effect, run.over):
            self._late[effect.run] += 1
        recorded = self._scratch.one(
            "SELECT fence, attempt, recorded_at FROM steps WHERE job_id = ? AND name = ?",
            effect.job,
            effect.step,
        )
        attempt = run.attempts.get(effect.job) if run is not None else None
        if recorded is None or attempt is None:
            return
        fence, recorded_in, recorded_at = recorded
        # Not by the fences: the attempts at a job may be in different slots.
        if recorded_in < attempt or (recorded_in == attempt and self._is_after(effect, _moment(recorded_at))):
            what = f"step {effect.step!r} was recorded under fence {fence}, and had its effect again later"
            yield _violation(Invariant.STEPS_ONCE, what, effect)

    def _is_after(self, effect: Effect, moment: float | None) -> bool:
        """Return whether an effect came after a moment of the journal, however the clocks differ."""
        at = self._time_of(effect)
        return moment is not None and at is not None and at > moment + self._tolerance

    def _time_of(self, effect: Effect) -> float | None:
        """Return an effect's time by the journal's clocks, or an earlier one; None when nothing shows it."""
        offset = self._offsets.get(effect.restarts)
        return None if offset is None else effect.at + offset

    def _set_clock(self) -> None:
        for effect in self._effects():
            run = self._run_of(effect)
            if run is not None and run.began and effect.is_accepted and effect.job in run.attempts:
                offset = self._offsets.get(effect.restarts, float("-inf"))
                self._offsets[effect.restarts] = max(run.began - effect.at, offset)

    def _run_of(self, effect: Effect) -> _KnownRun | None:
        known = self._last_run.get(effect.place)
        if known is not None and known.fence == effect.fence:
            return known
        partition = lock_partition(effect.key)
        rows = list(
            self._scratch.query(
                "SELECT job_id, attempt, began_at, ended_at FROM runs"
                " WHERE partition = ? AND slot = ? AND fence = ?",
                partition,
                effect.slot,
                effect.fence,
            )
        )
        if not rows:
            return None
        following = self._scratch.one(
            "SELECT began_at FROM runs WHERE partition = ? AND slot = ? AND fence > ? ORDER BY fence LIMIT 1",
            partition,
            effect.slot,
            effect.fence,
        )
        attempts = {job_id: attempt for job_id, attempt, *_ in rows}
        _, _, began_at, ended_at = rows[0]
        ends = [_moment(text) for text in (ended_at, following[0] if following else "")]
        over = min((end for end in ends if end is not None), default=None)
        run = _KnownRun(effect.fence, attempts, _moment(began_at), over)
        self._last_run[effect.place] = run
        return run

    def _is_inside(self, effect: Effect) -> bool:
        """Return whether an effect is of the period; where nothing sets the sink's clock, all are."""
        at = self._time_of(effect)
        if at is None or not self._scope.has_period:
            return True
        text = timestamp(datetime.fromtimestamp(at, UTC))
        return self._scope.holds(text, text)

    async def _is_known(self, evidence: Evidence, effect: Effect) -> bool:
        """Look for the effect's run, also in the journal itself: it may have begun after that was read."""
        run = self._run_of(effect)
        if run is not None and effect.job in run.attempts:
            return True
        if self._is_removed(effect):
            return True
        if effect.run not in self._looked_for:
            if len(self._looked_for) >= _MOST_LOOKED_FOR:
                return False
            self._looked_for[effect.run] = await self._has_begun(evidence, effect)
        return self._looked_for[effect.run]

    def _is_removed(self, effect: Effect) -> bool:
        # No history is removed of a lock that ever had another limit than 1.
        if effect.slot:
            return False
        partition = lock_partition(effect.key)
        found = self._scratch.one(
            "SELECT 1 FROM removed_runs WHERE partition = ? AND fence = ? AND job_id = ?"
            " UNION ALL SELECT 1 FROM forgotten_runs WHERE partition = ? AND ? BETWEEN first AND last",
            *(partition, effect.fence, effect.job),
            *(partition, effect.fence),
        )
        return found is not None

    async def _has_begun(self, evidence: Evidence, effect: Effect) -> bool:
        for stored in await evidence.job(lock_partition(effect.key), effect.job):
            try:
                event = read_event(stored.values)
            except UnreadableRowError:
                continue
            is_start = event.status == EventStatus.STARTED
            if is_start and (slot_in(event.data), event.fence) == (effect.slot, effect.fence):
                return True
        return False

    def _effects(self) -> Iterator[Effect]:
        locks = self._scope.locks
        return (effect for effect in read_effects(self._path) if not locks or effect.key in locks)


def _violation(invariant: Invariant, message: str, effect: Effect) -> Violation:
    return Violation(invariant, _in_slot(effect.slot, message), effect.key, effect.job, effect.fence)


def _in_slot(slot: int, message: str) -> str:
    return f"slot {slot}: {message}" if slot else message


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
