"""Due times of schedules: whether each got one outcome, and one job at most.

When a schedule is changed, the change comes before a due time or behind it. So a due time that had come, and
was not decided yet, may be dropped by a change; but then none behind it was decided before the change.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loadtest.asked import Asked
from loadtest.findings import Finding, finding
from loadtest.histories import History

#: How long a due time may be undecided, for a change to drop it: another scheduler may have to take over.
_UNDECIDED = timedelta(seconds=60)

#: What may become of a due time, by `on_conflict`.
_OUTCOMES = {
    "queue": {"submitted"},
    "skip": {"submitted", "skipped"},
    "reject": {"submitted", "refused"},
    "replace-waiting": {"submitted", "refused"},
    "cancel-running": {"submitted", "refused"},
}


@dataclass(frozen=True)
class Rule:
    """When a schedule is due: each so many seconds."""

    seconds: int
    #: What an interval counts from; None for cron, which counts from full minutes.
    anchor: datetime | None = None

    def between(self, since: datetime, until: datetime) -> list[datetime]:
        """Return the due times behind one moment, and up to another."""
        anchor = self.anchor or datetime(1970, 1, 1, tzinfo=UTC)
        step = timedelta(seconds=self.seconds)
        return [
            anchor + number * step
            for number in range(max(1, (since - anchor) // step + 1), (until - anchor) // step + 1)
        ]


@dataclass
class Phase:
    """A time in which a schedule was due by one rule."""

    rule: Rule
    #: By the schedule: nothing was due by this rule up to this moment.
    since: datetime
    #: From here on every due time counts: before, those of an earlier rule may have been decided.
    surely_since: datetime
    #: When the request was sent that ended it, and when it was answered.
    ending: datetime
    ended: datetime
    #: The last due time that was seen to be decided, before the request was sent.
    reached: datetime | None = None

    def may_be_due(self) -> list[datetime]:
        """Return all due times that may have got an outcome."""
        return self.rule.between(self.since, self.ended)

    def must_be_decided(self, decided: Collection[datetime]) -> list[datetime]:
        """Return the due times that the end of the phase cannot have dropped, as `decided` shows."""
        last = [at for at in self.rule.between(self.since, self.ending) if at in decided][-1:]
        seen = [*last, *([] if self.reached is None else [self.reached]), self.ending - _UNDECIDED]
        return self.rule.between(self.surely_since, max(seen))


@dataclass(frozen=True)
class Outcome:
    """What became of a due time or of a run by hand, by the schedule."""

    kind: str
    job_id: str | None = None


@dataclass(frozen=True)
class ScheduledJob:
    """A job of a schedule, by the list of jobs."""

    job_id: str
    due_at: datetime
    is_by_hand: bool = False


@dataclass
class Record:
    """What was asked of a schedule, and what became of it."""

    name: str
    asked: Asked
    phases: list[Phase] = field(default_factory=list)
    #: By due time; the last one that the schedule said.
    outcomes: dict[datetime, Outcome] = field(default_factory=dict)
    #: What it said before of the same due time, where that is another outcome.
    contradicted: dict[datetime, Outcome] = field(default_factory=dict)
    by_hand: list[Outcome] = field(default_factory=list)
    jobs: list[ScheduledJob] = field(default_factory=list)
    #: The times in between of which the schedule remembered nothing any more when it was looked at.
    unseen: list[tuple[datetime, datetime]] = field(default_factory=list)
    #: What was done to it, and what its audit trail says.
    done: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    def note(self, due_at: datetime, outcome: Outcome) -> None:
        """Note what the schedule says of a due time."""
        earlier = self.outcomes.get(due_at)
        self.outcomes[due_at] = outcome
        if earlier is not None and earlier != outcome and earlier.kind != "pending":
            self.contradicted[due_at] = earlier

    @property
    def jobs_by_due_time(self) -> Mapping[datetime, list[str]]:
        """The jobs that were not submitted by hand."""
        found: defaultdict[datetime, list[str]] = defaultdict(list)
        for job in self.jobs:
            if not job.is_by_hand:
                found[job.due_at].append(job.job_id)
        return found

    @property
    def decided(self) -> set[datetime]:
        """The due times of which something became."""
        return {*self.outcomes, *self.jobs_by_due_time}

    def may_be_unseen(self, due_at: datetime) -> bool:
        """Return whether a due time may have got an outcome without a job which nobody saw."""
        can_be_without = self.asked.on_conflict != "queue"
        return can_be_without and any(since < due_at < until for since, until in self.unseen)


def judge(records: Sequence[Record]) -> Iterable[Finding]:
    """Judge the due times of a run."""
    counts = Counter(one.kind for record in records for one in record.outcomes.values())
    total = sum(len(record.decided) for record in records)
    lost, stray, odd, doubled, by_hand, trails = [], [], [], [], [], []
    for record in records:
        name, decided = record.name, record.decided
        must = {at for phase in record.phases for at in phase.must_be_decided(decided)}
        may = {at for phase in record.phases for at in phase.may_be_due()}
        lost += [f"{name} at {at:%T.%f}" for at in sorted(must - decided) if not record.may_be_unseen(at)]
        stray += [f"{name} at {at:%T.%f}" for at in sorted(decided - may)]
        odd += list(_odd(record))
        doubled += list(_doubled(record))
        hand = Counter(job.job_id for job in record.jobs if job.is_by_hand)
        if hand != Counter(one.job_id for one in record.by_hand if one.kind == "submitted"):
            by_hand.append(f"{name}: jobs {list(hand)}, {record.by_hand}")
        if record.trail != record.done:
            trails.append(f"{name}: {record.done} was done, {record.trail} is recorded")
    yield finding("no due time is lost", lost, f"{total} due times of {len(records)} schedules")
    yield finding("nothing is due at another time", stray, f"{total} due times")
    seen = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    yield finding("each due time has the outcome that on_conflict allows, once", odd, seen)
    jobs = sum(len(record.jobs) for record in records)
    yield finding("each due time has one job, or none where its outcome says so", doubled, f"{jobs} jobs")
    hands = Counter(one.kind for record in records for one in record.by_hand)
    seen = ", ".join(f"{count} {kind}" for kind, count in sorted(hands.items())) or "none"
    yield finding("each run by hand has one job, or none where its outcome says so", by_hand, seen)
    done = Counter(action for record in records for action in record.done)
    seen = ", ".join(f"{count} {action}" for action, count in sorted(done.items()))
    yield finding("the trail of each schedule has what was done to it", trails, seen)


def lateness(records: Sequence[Record], ended: Mapping[str, History]) -> tuple[list[float], list[float]]:
    """Return the seconds from due times to submissions, and to starts.

    Starts only of jobs that wait behind no other: of schedules with short jobs and without a rule for a busy
    lock.
    """
    submitted, started = [], []
    for record in records:
        for job in record.jobs:
            history = ended.get(job.job_id)
            if history is None or job.is_by_hand:
                continue
            submitted.append((history.submitted_at - job.due_at).total_seconds())
            if record.asked.on_conflict == "queue" and history.runs:
                started.append((history.runs[0].start - job.due_at).total_seconds())
    return submitted, started


def figures(records: Sequence[Record]) -> Mapping[str, object]:
    """Return how many due times there were, and how fast they came."""
    decided = sorted(at for record in records for at in record.decided)
    seconds = (decided[-1] - decided[0]).total_seconds() if len(decided) > 1 else 0.0
    dropped = sum(
        len(set(phase.rule.between(phase.surely_since, phase.ending)) - record.decided)
        for record in records
        for phase in record.phases
    )
    outcomes = Counter(one.kind for record in records for one in record.outcomes.values())
    return {
        "schedules": len(records),
        "due_times": len(decided),
        "per_second": len(decided) / seconds if seconds else None,
        "dropped_by_changes": dropped,
        "outcomes": dict(outcomes),
        "times_unseen": sum(len(record.unseen) for record in records),
        "by_hand": sum(len(record.by_hand) for record in records),
    }


def _odd(record: Record) -> Iterable[str]:
    for at, outcome in record.outcomes.items():
        if outcome.kind not in _OUTCOMES[record.asked.on_conflict]:
            yield f"{record.name} at {at:%T.%f}: {outcome.kind} with {record.asked.on_conflict}"
    for at, earlier in record.contradicted.items():
        # A refusal is corrected where another process submitted the job all the same.
        if (earlier.kind, record.outcomes[at].kind) != ("refused", "submitted"):
            yield f"{record.name} at {at:%T.%f}: {earlier.kind}, and then {record.outcomes[at].kind}"


def _doubled(record: Record) -> Iterable[str]:
    jobs = record.jobs_by_due_time
    for at in sorted(record.decided):
        outcome, found = record.outcomes.get(at), jobs.get(at, [])
        # The schedule remembers its latest due times only, and a deleted one remembers none.
        expected = [outcome.job_id] if outcome is not None and outcome.kind == "submitted" else []
        if found != expected if outcome is not None else len(found) != 1:
            yield f"{record.name} at {at:%T.%f}: {found}, {outcome.kind if outcome else 'no outcome'}"
