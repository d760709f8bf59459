"""The verdict on a run: what was promised, what was seen, and whether it holds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from contracts.statuses import EventStatus
from loadtest import conflicts, due_times, histories, limits
from loadtest.book import Book, Entry
from loadtest.evidence import Evidence
from loadtest.figures import Figures
from loadtest.findings import Finding, finding
from loadtest.histories import History
from loadtest.proof import Proof
from loadtest.thresholds import Thresholds, judge
from loadtest.viewers import Watched


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


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """Return one exit code for several verdicts: 1 (a broken promise) outweighs 2 (nothing is proved)."""
    codes = {verdict.exit_code for verdict in verdicts}
    return 1 if 1 in codes else max(codes)


def findings(evidence: Evidence, figures: Figures, thresholds: Thresholds) -> list[Finding]:
    """Judge a run."""
    return [*_promises(evidence), *judge(figures, thresholds)]


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
    yield finding(
        f"every accepted job ends within {evidence.patience_seconds:.0f} s", missing, f"{count}, all ended"
    )
    not_once = [
        entry.job_id for entry in promised if entry.job_id not in ended or len(ended[entry.job_id].ends) != 1
    ]
    yield finding(
        "every accepted job has exactly one terminal record", not_once, f"{len(promised)} of {len(promised)}"
    )
    otherwise = [
        f"{entry.job_id} {ended[entry.job_id].ends[-1]}"
        for entry in promised
        if entry.job_id in ended and not _ends_as_asked(entry, ended[entry.job_id])
    ]
    kinds = Counter(end for history in ended.values() for end in history.ends)
    failed, cancelled = (kinds[status] for status in (EventStatus.FAILED, EventStatus.CANCELLED))
    seen = f"{failed} failed as they were asked to, {kinds[EventStatus.COMPLETED]} completed"
    seen += f", {cancelled} cancelled" if cancelled else ""
    yield finding("every job ends as its handler did", otherwise, seen)
    odd = [
        f"{status} for {entry.job_id}"
        for entry in evidence.book.entries.values()
        for status in entry.unexpected()
    ]
    yield finding("every answer is one that was asked for, or unavailable", odd, _statuses(evidence.book))
    unclear = [entry.job_id for entry in evidence.book.entries.values() if not entry.is_answered_once()]
    yield finding("of equal submissions, exactly one is accepted", unclear, _copies(evidence.book))
    gaps = [job_id for job_id, history in ended.items() if not history.is_complete]
    yield finding("events are complete, from submission to end", gaps, "numbered without gaps")
    runs = histories.runs_by_slot(ended.values())
    crossing = [text for of_slot in runs.values() for text in histories.overlaps(of_slot)]
    total, used = sum(map(len, runs.values())), len({lock for lock, _ in runs})
    slots = f", in {len(runs)} slots" if len(runs) > used else ""
    yield finding("no two runs overlap, and fences rise", crossing, f"{total} runs under {used} locks{slots}")
    yield from _effects(evidence)
    if evidence.limits:
        yield from limits.judge(evidence.limits, evidence.set_limits, ended.values())
    if conflicts.concerns(evidence.book, ended):
        yield from conflicts.judge(evidence.book, ended, evidence.effects, evidence.known)
    if evidence.schedules:
        yield from due_times.judge(evidence.schedules)
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
    return finding("turnstile verify finds no violation", violations, seen)


def _open_pages(watched: Watched) -> Iterable[Finding]:
    pages = f"{watched.viewers} pages, {len(watched.refresh_seconds)} refreshes"
    yield finding("open pages show no exception", watched.exceptions, pages)
    yield finding("every open page goes on refreshing", watched.still, pages)


def _effects(evidence: Evidence) -> Iterable[Finding]:
    effects, book = evidence.effects, evidence.book
    foreign = [job for job in effects.accepted if job not in book.entries]
    foreign += ["a line that is not an effect"] * effects.unreadable
    yield finding(
        "the effect sink saw effects of submitted jobs only",
        foreign,
        f"{effects.accepted_count} effects accepted",
    )
    wrong = []
    for entry in book.promised():
        wanted = {f"effect {number}" for number in range(1, entry.asked.steps + 1)}
        seen = effects.accepted.get(entry.job_id, Counter())
        again = [step for step, times in seen.items() if times > 1]
        history = evidence.ended.get(entry.job_id)
        if history is None:
            continue
        # A job that was cancelled may have got to any step.
        is_right = seen.keys() <= wanted if _is_cancelled(history) else seen.keys() == wanted
        if not is_right or (again and not evidence.interrupts):
            wrong.append(f"{entry.job_id}: {dict(seen)} of {entry.asked.steps}")
    repeated = sum(max(0, times - 1) for steps in effects.accepted.values() for times in steps.values())
    how = "at least once" if evidence.interrupts else "exactly once"
    yield finding(f"every step had its effect {how}", wrong, f"{repeated} repeated")
    cut_off = {
        (run.job_id, run.slot, run.fence)
        for history in evidence.ended.values()
        for run in history.runs
        if run.was_cut_off
    }
    stale = [
        f"{job} (slot {slot}, fence {fence})"
        for job, slot, fence in effects.refused
        if (job, slot, fence) not in cut_off
    ]
    yield finding(
        "stale effects come from cut-off runs only", stale, f"{effects.refused.total()} refused by the sink"
    )


def _ends_as_asked(entry: Entry, history: History) -> bool:
    """Return whether a job ended as its handler did, or was cancelled by a job that took its place."""
    expected = EventStatus.FAILED if entry.asked.fails else EventStatus.COMPLETED
    return set(history.ends) == {expected} or (_is_cancelled(history) and history.replaced_by is not None)


def _is_cancelled(history: History) -> bool:
    return set(history.ends) == {EventStatus.CANCELLED}


def _statuses(book: Book) -> str:
    return ", ".join(
        f"{count} x {status or 'no answer'}" for status, count in sorted(book.statuses().items())
    )


def _copies(book: Book) -> str:
    return f"{len(book.answers())} answers to {len(book.entries)} jobs"
