"""The effect sink's ledger: what the world outside saw, which no part of the system could have forged.

The sink has a clock of its own. Where it stands to the journal's is taken from the effect that came soonest
after the start of its run; so its times, in the journal's, are never late, and no false alarm comes of them.
Where the times in the file fall, the sink's machine was restarted, and its clock with it.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from contracts.statuses import EventStatus
from coordination.journal.events import timestamp
from verification.events import UnreadableRowError, read_event
from verification.evidence import Evidence
from verification.findings import Invariant, Violation
from verification.history import lock_partition
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase

#: Unknown runs that are looked for once more in the journal, which may have been read before they began.
_MOST_LOOKED_FOR = 200

#: More seconds than any sink's clock counts, and a higher fence than any.
_NO_TIME, _NO_FENCE = 1e11, 2**63


class LedgerError(ValueError):
    """The file is not a ledger of an effect sink."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect that was asked for; `at` counts seconds of the sink's clock."""

    key: str
    fence: int
    job: str
    step: str
    at: float
    is_accepted: bool
    #: How often the sink's clock had restarted before.
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class _KnownRun:
    fence: int
    jobs: frozenset[str]
    #: None where the time in the journal cannot be read.
    began: float | None
    #: When it ended, or the next run of the lock began; None when neither has happened.
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
        self._highest: dict[str, int] = {}
        self._last_run: dict[str, _KnownRun] = {}
        self._late: Counter[tuple[str, int, str]] = Counter()
        #: Unknown runs, and whether they have begun since the journal was read.
        self._looked_for: dict[tuple[str, int, str], bool] = {}
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
            highest = self._highest.get(effect.key, 0)
            self._highest[effect.key] = max(highest, effect.fence)
            if is_inside:
                for violation in self._judge(effect, highest):
                    yield violation
                if not await self._is_known(evidence, effect):
                    what = f"the sink accepted step {effect.step!r} of a run that the journal does not know"
                    yield _violation(Invariant.SINK_FENCES, what, effect)
        for (key, fence, job), count in self._late.items():
            if count > self._late_effects:
                what = (
                    f"the run had {count} effects after it was over; "
                    f"a run that was cut off may have {self._late_effects}"
                )
                yield Violation(Invariant.SINK_OVERLAP, what, key, job, fence)

    def _judge(self, effect: Effect, highest: int) -> Iterator[Violation]:
        if effect.fence < highest:
            what = f"the sink accepted step {effect.step!r} although it had seen fence {highest} before"
            yield _violation(Invariant.SINK_FENCES, what, effect)
        run = self._run_of(effect)
        if run is not None and self._is_after(effect, run.over):
            self._late[effect.key, effect.fence, effect.job] += 1
        recorded = self._scratch.one(
            "SELECT fence, recorded_at FROM steps WHERE job_id = ? AND name = ?", effect.job, effect.step
        )
        if recorded is None:
            return
        fence, recorded_at = recorded
        if fence < effect.fence or (fence == effect.fence and self._is_after(effect, _moment(recorded_at))):
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
            if run is not None and run.began and effect.is_accepted and effect.job in run.jobs:
                offset = self._offsets.get(effect.restarts, float("-inf"))
                self._offsets[effect.restarts] = max(run.began - effect.at, offset)

    def _run_of(self, effect: Effect) -> _KnownRun | None:
        known = self._last_run.get(effect.key)
        if known is not None and known.fence == effect.fence:
            return known
        partition = lock_partition(effect.key)
        rows = list(
            self._scratch.query(
                "SELECT job_id, began_at, ended_at FROM runs WHERE partition = ? AND slot = 0 AND fence = ?",
                partition,
                effect.fence,
            )
        )
        if not rows:
            return None
        following = self._scratch.one(
            "SELECT began_at FROM runs WHERE partition = ? AND slot = 0 AND fence > ? ORDER BY fence LIMIT 1",
            partition,
            effect.fence,
        )
        jobs = frozenset(job_id for job_id, *_ in rows)
        ends = [_moment(text) for text in (rows[0][2], following[0] if following else "")]
        over = min((end for end in ends if end is not None), default=None)
        run = _KnownRun(effect.fence, jobs, _moment(rows[0][1]), over)
        self._last_run[effect.key] = run
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
        if run is not None and effect.job in run.jobs:
            return True
        if self._is_removed(effect):
            return True
        asked = effect.key, effect.fence, effect.job
        if asked not in self._looked_for:
            if len(self._looked_for) >= _MOST_LOOKED_FOR:
                return False
            self._looked_for[asked] = await self._has_begun(evidence, effect)
        return self._looked_for[asked]

    def _is_removed(self, effect: Effect) -> bool:
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
            if event.status == EventStatus.STARTED and event.fence == effect.fence:
                return True
        return False

    def _effects(self) -> Iterator[Effect]:
        restarts, last = 0, float("-inf")
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    return  # it is being written
                effect = _read(line, number)
                restarts += effect.at < last
                last = effect.at
                if not self._scope.locks or effect.key in self._scope.locks:
                    yield replace(effect, restarts=restarts) if restarts else effect


def _read(line: bytes, number: int) -> Effect:
    try:
        values = json.loads(line)
        effect = Effect(
            str(values["key"]),
            int(values["fence"]),
            str(values["job"]),
            str(values["step"]),
            float(values["at"]),
            bool(values["accepted"]),
        )
        f"{effect.key}{effect.job}{effect.step}".encode()  # raises UnicodeEncodeError
        if not (abs(effect.at) < _NO_TIME and abs(effect.fence) < _NO_FENCE):
            raise ValueError("its time or its fence is out of range")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise LedgerError(f"line {number} of the ledger is not an effect: {error}") from None
    return effect


def _violation(invariant: Invariant, message: str, effect: Effect) -> Violation:
    return Violation(invariant, message, effect.key, effect.job, effect.fence)


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
