"""Whether this worker runs a job: its pool, its kind, the limit of the kind, and its distribution."""

from collections.abc import Callable

from contracts.jobs import Worker
from contracts.policies import UNFIT_SECONDS
from coordination.holder.living_workers import LivingWorkers
from coordination.holder.policy import HolderSettings, WorkerPolicy
from coordination.holder.unknown_kinds import UnknownKinds
from coordination.journal.rows import JobRow
from coordination.placement import Distribution, distribution_of, is_able, pool_of
from coordination.ports import Clock
from coordination.slot import Slot

#: Groups of jobs that fit no worker are forgotten when none of them was met for this many seconds.
_REMEMBERED = 10 * UNFIT_SECONDS


class Eligibility:
    """Decides which jobs this worker runs.

    A job that it does not run keeps its turn: the lock is handed on to another worker.
    """

    def __init__(
        self,
        clock: Clock,
        settings: HolderSettings,
        policy: WorkerPolicy,
        knows: Callable[[str], bool],
        living: LivingWorkers | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._limits = policy.kind_limits
        self._knows = knows
        self._living = living
        self._unknown_kinds = UnknownKinds(clock, policy.patience_for_kinds)
        #: The kind of the job that each slot served here runs or is about to start, of kinds with a limit.
        self._claims: dict[Slot, str] = {}
        #: When a group of jobs was first, and last, met without a worker that fits, in boot time.
        self._unfit: dict[tuple[str, ...], tuple[float, float]] = {}

    def may_run(self, job: JobRow) -> bool:
        """Return whether this worker may run a job, if the limit of its kind lets it."""
        # Before the kind: a job of another pool does not fail for a kind that is unknown here.
        if pool_of(job) not in self._settings.pools:
            return False
        if not self._knows(job.kind):
            return self._unknown_kinds.waited_enough(job)
        distribution = distribution_of(job)
        return distribution is None or self._is_chosen(job, distribution)

    def has_room_for(self, kind: str, slot: Slot | None = None) -> bool:
        """Return whether fewer jobs of a kind run here than may, in other slots than this one."""
        limit = self._limits.get(kind)
        if limit is None:
            return True
        return sum(other == kind for at, other in self._claims.items() if at != slot) < limit

    def claim(self, job: JobRow, slot: Slot) -> bool:
        """Return whether to start a job in a slot in which nothing runs; if so, it counts as running."""
        self.give_back(slot)
        if not self.may_run(job) or not self.has_room_for(job.kind, slot):
            return False
        if job.kind in self._limits:
            # Before it is written: two slots that are asked at the same time may not both start the last one.
            self._claims[slot] = job.kind
        return True

    def give_back(self, slot: Slot) -> None:
        """Let nothing count as running in a slot."""
        self._claims.pop(slot, None)

    def end(self) -> None:
        """Read no more about other workers."""
        if self._living is not None:
            self._living.end()

    def _is_chosen(self, job: JobRow, distribution: Distribution) -> bool:
        me, now = self._settings.worker, self._clock.now()
        known = self._living.known() if self._living is not None else None
        others = [one for one in known or () if one.worker != me and is_able(one, job, now)]
        chosen = distribution.choose(job, [*others, self._own_document(job)])
        group = (job.kind, job.pool or "", job.distribution or "", distribution.wanted(job))
        if chosen or known is None:
            self._unfit.pop(group, None)
            return any(one.worker == me for one in chosen)
        return self._has_been_unfit_long(group)

    def _own_document(self, job: JobRow) -> Worker:
        return Worker(
            worker=self._settings.worker,
            seen_at=self._clock.now(),
            kinds=[job.kind],
            pools=list(self._settings.pools),
            custom_properties=dict(self._settings.properties),
        )

    def _has_been_unfit_long(self, group: tuple[str, ...]) -> bool:
        """Meet a job that fits no living worker; return whether that is so for long enough."""
        now = self._clock.boot()
        first, _ = self._unfit.pop(group, (now, now))
        self._unfit[group] = (first, now)
        for oldest, (_, last) in list(self._unfit.items()):
            if now - last <= _REMEMBERED:
                break
            del self._unfit[oldest]
        return now - first > UNFIT_SECONDS
