"""The verdict on a run: what was promised, what was seen, and whether it holds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from contracts.statuses import EventStatus
from loadtest import histories
from loadtest.book import Book, Entry, quantile
from loadtest.effects import Effects
from loadtest.figures import Figures
from loadtest.histories import History
from loadtest.proof import Proof
from loadtest.thresholds import Thresholds
from loadtest.viewers import Watched

#: Most examples that a finding names.
_EXAMPLES = 3

_HAND_OVER = "hand-over, 95 %, seconds"


@dataclass(frozen=True)
class Finding:
    """One promise or threshold, and how it fared."""

    promised: str
    seen: str
    holds: bool


@dataclass(frozen=True)
class Verdict:
    """All findings of a run."""

    scenario: str
    title: str
    findings: Sequence[Finding]
    figures: Mapping[str, Any] = field(default_factory=dict)
    #: Why there can be no verdict; then nothing else counts.
    unusable: str | None = None

    @property
    def holds(self) -> bool:
        """Whether everything held."""
        return self.unusable is None and all(finding.holds for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 when everything held, 1 when not, 2 when nothing could be checked."""
        return 2 if self.unusable is not None else 0 if self.holds else 1

    def document(self) -> dict[str, Any]:
        """Return the verdict as JSON takes it."""
        return {**asdict(self), "holds": self.holds}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` gave."""
        findings = [Finding(**finding) for finding in document["findings"]]
        return cls(
            document["scenario"], document["title"], findings, document["figures"], document["unusable"]
        )


@dataclass(frozen=True)
class Evidence:
    """All that a verdict rests on."""

    book: Book
    ended: Mapping[str, History]
    effects: Effects
    proof: Proof
    #: Whether runs were cut off on purpose, so that a step may have had its effect twice.
    interrupts: bool = False
    #: What harm was done; None for a scenario without harm.
    harm: Sequence[str] | None = None
    patience_seconds: float = 0.0
    #: What open pages of the dashboard showed; None without any.
    watched: Watched | None = None


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return one exit code for several verdicts: 1 (a broken promise) outweighs 2 (nothing is proved)."""
    codes = {verdict.exit_code for verdict in verdicts}
    return 1 if 1 in codes else max(codes)


def findings(evidence: Evidence, figures: Figures, thresholds: Thresholds) -> list[Finding]:
    """Judge a run."""
    return [*_promises(evidence), *_thresholds(figures, thresholds)]


def _promises(evidence: Evidence) -> Iterable[Finding]:
    promised, ended = evidence.book.promised(), evidence.ended
    count = f"{len(promised)} accepted"
    locks = len({entry.lock for entry in promised})
    yield Finding("jobs were accepted", f"{count}, under {locks} locks", bool(promised))
    if evidence.harm is not None:
        cut_off = sum(run.was_cut_off for history in ended.values() for run in history.runs)
        harm = f"{len(evidence.harm)} times, {cut_off} runs were cut off: {', '.join(evidence.harm)}"
        yield Finding("the scenario did its harm", harm if evidence.harm else "none", bool(evidence.harm))
    missing = [entry.job_id for entry in promised if entry.job_id not in ended]
    yield _finding(
        f"every accepted job ends within {evidence.patience_seconds:.0f} s", missing, f"{count}, all ended"
    )
    not_once = [
        entry.job_id for entry in promised if entry.job_id not in ended or len(ended[entry.job_id].ends) != 1
    ]
    yield _finding(
        "every accepted job has exactly one terminal record", not_once, f"{len(promised)} of {len(promised)}"
    )
    otherwise = [
        f"{entry.job_id} {ended[entry.job_id].ends[-1]}"
        for entry in promised
        if entry.job_id in ended and set(ended[entry.job_id].ends) != {_expected(entry)}
    ]
    failed = sum(entry.asked.fails for entry in promised if entry.job_id in ended)
    seen = f"{failed} failed as they were asked to, {len(ended) - failed} completed"
    yield _finding("every job ends as its handler did", otherwise, seen)
    odd = [
        f"{status} for {entry.job_id}"
        for entry in evidence.book.entries.values()
        for status in entry.unexpected()
    ]
    yield _finding("every answer is accepted, known already, or unavailable", odd, _statuses(evidence.book))
    unclear = [entry.job_id for entry in evidence.book.entries.values() if not entry.is_answered_once()]
    yield _finding("of equal submissions, exactly one is accepted", unclear, _copies(evidence.book))
    gaps = [job_id for job_id, history in ended.items() if not history.is_complete]
    yield _finding("events are complete, from submission to end", gaps, "numbered without gaps")
    runs = histories.runs_by_lock(ended.values())
    crossing = [text for of_lock in runs.values() for text in histories.overlaps(of_lock)]
    total = sum(map(len, runs.values()))
    yield _finding("no two runs overlap, and fences rise", crossing, f"{total} runs under {len(runs)} locks")
    yield from _effects(evidence)
    if evidence.watched is not None:
        yield from _open_pages(evidence.watched)
    yield _proof(evidence.proof, len(promised))


def _proof(proof: Proof, promised: int) -> Finding:
    violations = [f"{v.invariant}: {v.message}" for v in proof.violations]
    accepted, jobs, runs = (proof.counts.get(name, 0) for name in ("accepted", "jobs", "runs"))
    if not proof.holds and not violations:
        violations = [
            "it reports a failure without a violation" if promised else "there was nothing to check"
        ]
    if accepted != promised:
        violations.append(f"it checked {accepted} of {promised} accepted jobs")
    seen = f"{accepted} accepted, among {jobs} jobs, {runs} runs"
    return _finding("turnstile verify finds no violation", violations, seen)


def _open_pages(watched: Watched) -> Iterable[Finding]:
    pages = f"{watched.viewers} pages, {len(watched.refresh_seconds)} refreshes"
    yield _finding("open pages show no exception", watched.exceptions, pages)
    yield _finding("every open page goes on refreshing", watched.still, pages)


def _effects(evidence: Evidence) -> Iterable[Finding]:
    effects, book = evidence.effects, evidence.book
    foreign = [job for job in effects.accepted if job not in book.entries]
    foreign += ["a line that is not an effect"] * effects.unreadable
    yield _finding(
        "the effect sink saw effects of submitted jobs only",
        foreign,
        f"{effects.accepted_count} effects accepted",
    )
    wrong = []
    for entry in book.promised():
        wanted = {f"effect {number}" for number in range(1, entry.asked.steps + 1)}
        seen = effects.accepted.get(entry.job_id, Counter())
        again = [step for step, times in seen.items() if times > 1]
        if entry.job_id in evidence.ended and (set(seen) != wanted or (again and not evidence.interrupts)):
            wrong.append(f"{entry.job_id}: {dict(seen)} of {entry.asked.steps}")
    repeated = sum(max(0, times - 1) for steps in effects.accepted.values() for times in steps.values())
    how = "at least once" if evidence.interrupts else "exactly once"
    yield _finding(f"every step had its effect {how}", wrong, f"{repeated} repeated")
    cut_off = {
        (run.job_id, run.fence)
        for history in evidence.ended.values()
        for run in history.runs
        if run.was_cut_off
    }
    stale = [f"{job} (fence {fence})" for job, fence in effects.refused if (job, fence) not in cut_off]
    yield _finding(
        "stale effects come from cut-off runs only", stale, f"{effects.refused.total()} refused by the sink"
    )


def _thresholds(figures: Figures, thresholds: Thresholds) -> Iterable[Finding]:
    at_least: Callable[[float, float], bool] = lambda seen, limit: seen >= limit  # noqa: E731
    at_most: Callable[[float, float], bool] = lambda seen, limit: seen <= limit  # noqa: E731
    rows = (
        ("submissions accepted per second", figures.submissions_per_second,
         thresholds.submissions_per_second, "at least", at_least),
        ("jobs per second through the busiest lock", figures.jobs_per_second,
         thresholds.jobs_per_second, "at least", at_least),
        ("answer to a submission, 95 %, seconds", quantile(figures.submit_seconds, 0.95),
         thresholds.submit_p95_seconds, "at most", at_most),
        ("submissions without an answer, percent", figures.unavailable_percent,
         thresholds.unavailable_percent, "at most", at_most),
        ("time in line, 95 %, seconds", quantile(figures.in_line_seconds, 0.95),
         thresholds.in_line_p95_seconds, "at most", at_most),
        (_HAND_OVER, _hand_over(figures),
         thresholds.hand_over_p95_seconds, "at most", at_most),
        ("take-over, longest, seconds", max(figures.take_over_seconds, default=None),
         thresholds.take_over_max_seconds, "at most", at_most),
        ("storage requests per job, all services", sum(figures.storage_calls_per_job.values()) or None,
         thresholds.storage_calls_per_job, "at most", at_most),
        ("refresh of an open page, 95 %, seconds", quantile(figures.refresh_seconds, 0.95),
         thresholds.refresh_p95_seconds, "at most", at_most),
        ("storage requests of the dashboard per minute", figures.dashboard_calls_per_minute,
         thresholds.dashboard_calls_per_minute, "at most", at_most),
    )  # fmt: skip
    for what, seen, limit, word, compare in rows:
        if limit is not None:
            promised = f"{what}: {word} {limit:g}"
            # Without a measurement, a value that has to reach something has not reached it.
            is_kept = compare(seen, limit) if seen is not None else word == "at most"
            is_unknown = what == _HAND_OVER and figures.hand_overs is None
            absent = "n/a" if is_unknown else "none"
            yield Finding(promised, absent if seen is None else f"{seen:.3g}", is_kept)


def _hand_over(figures: Figures) -> float | None:
    return figures.hand_overs.all.quantile(0.95) if figures.hand_overs is not None else None


def _finding(promised: str, broken: Sequence[str], otherwise: str) -> Finding:
    if not broken:
        return Finding(promised, otherwise, holds=True)
    examples = "; ".join(broken[:_EXAMPLES])
    more = f" and {len(broken) - _EXAMPLES} more" if len(broken) > _EXAMPLES else ""
    return Finding(promised, f"violated by {len(broken)}: {examples}{more}", holds=False)


def _expected(entry: Entry) -> str:
    return EventStatus.FAILED if entry.asked.fails else EventStatus.COMPLETED


def _statuses(book: Book) -> str:
    return ", ".join(
        f"{count} x {status or 'no answer'}" for status, count in sorted(book.statuses().items())
    )


def _copies(book: Book) -> str:
    return f"{len(book.answers())} answers to {len(book.entries)} jobs"
