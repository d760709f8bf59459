"""Submissions with `on_conflict`: whether each was decided as the other jobs of its lock were.

Only what surely was so counts: a job was there during a whole submission when its own submission was answered
before, and it ended after the answer.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from contracts.policies import OnConflict
from contracts.statuses import EventStatus
from loadtest.book import Answer, Book, Entry
from loadtest.effects import Effects
from loadtest.findings import Finding, finding
from loadtest.histories import History

#: How far the clocks of the stack and of this process may be apart.
_APART = timedelta(seconds=0.5)

#: How long after its time an end may be committed.
_COMMITTED_LATER = timedelta(seconds=10)

_REPLACING: frozenset[OnConflict] = frozenset({"replace-waiting", "cancel-running"})


def concerns(book: Book, ended: Mapping[str, History]) -> bool:
    """Return whether any job asked for it, or was replaced."""
    return any(entry.asked.on_conflict != "queue" for entry in book.entries.values()) or any(
        history.replaced_by for history in ended.values()
    )


def judge(
    book: Book, ended: Mapping[str, History], effects: Effects, known: Collection[str]
) -> Iterable[Finding]:
    """Judge a run; `known` are those that were turned away and are jobs by the API all the same."""
    turned_away = book.turned_away()
    counts = figures(book, ended)
    unfounded = [text for entry in turned_away for text in _unfounded(entry, book, ended)]
    seen = f"{counts['skipped']} skipped, {counts['rejected']} rejected"
    yield finding("who is turned away is told a job that has the lock", unfounded, seen)
    ran = [e.job_id for e in turned_away if e.job_id in known or e.job_id in effects.accepted]
    yield finding("what was turned away is no job, and had no effect", ran, f"{len(turned_away)} submissions")
    missed = list(_missed(book, ended))
    accepted = sum(
        entry.is_promised and entry.asked.on_conflict != "queue" for entry in book.entries.values()
    )
    yield finding("who is accepted has heeded all jobs of the lock", missed, f"{accepted} with a rule")
    wrong = [text for history in ended.values() for text in _wrongly_cancelled(history, book)]
    seen = f"{counts['replaced']} replaced, {counts['stopped']} stopped, {counts['too_late']} ended before"
    yield finding("what is cancelled was replaced by a job that may", wrong, seen)


def figures(book: Book, ended: Mapping[str, History]) -> dict[str, int]:
    """Count what became of the submissions and of the jobs."""
    away = Counter(entry.asked.on_conflict for entry in book.turned_away())
    replaced = [history for history in ended.values() if history.replaced_by]
    cancelled = [history for history in replaced if EventStatus.CANCELLED in history.ends]
    stopped = sum(_was_running(history) for history in cancelled)
    return {
        "accepted": len(book.promised()),
        "skipped": away["skip"],
        "rejected": away["reject"],
        "too_many_waiting": sum(away[policy] for policy in _REPLACING),
        "replaced": len(cancelled) - stopped,
        "stopped": stopped,
        # Asked to stop, but they ended otherwise.
        "too_late": len(replaced) - len(cancelled),
    }


def _unfounded(entry: Entry, book: Book, ended: Mapping[str, History]) -> Iterable[str]:
    """Return the answers that name no job of the lock, or none that was there."""
    for answer in entry.answers:
        if not entry.turns_away(answer) or entry.asked.on_conflict in _REPLACING:
            continue
        named = book.entries.get(answer.job_id or "")
        history = ended.get(answer.job_id or "")
        is_of_lock = named is not None and named.lock == entry.lock and not named.is_turned_away
        was_there = history is None or (
            history.submitted_at <= answer.answered_at + _APART
            and answer.sent_at <= history.ended_at + _COMMITTED_LATER
        )
        if not (is_of_lock and was_there):
            yield f"{entry.job_id} was told {answer.job_id}"


@dataclass(frozen=True)
class _Stay:
    """The time in which a job surely was there."""

    entry: Entry
    promise: Answer
    history: History

    def covers(self, answer: Answer) -> bool:
        """Return whether it was there during a whole request."""
        return (
            self.promise.answered_at + _APART < answer.sent_at
            and answer.answered_at + _APART < self.history.ended_at
        )

    def waits_during(self, answer: Answer) -> bool:
        return all(
            answer.answered_at + _APART < run.start or run.end + _APART < answer.sent_at
            for run in self.history.runs
        )

    def runs_during(self, answer: Answer) -> bool:
        return any(
            run.start + _APART < answer.sent_at and answer.answered_at + _APART < run.end
            for run in self.history.runs
        )


def _missed(book: Book, ended: Mapping[str, History]) -> Iterable[str]:
    """Return the accepted submissions that did not see a job which was there."""
    stays: defaultdict[str, list[_Stay]] = defaultdict(list)
    for entry in book.promised():
        if entry.promise is not None and entry.job_id in ended:
            stays[entry.lock].append(_Stay(entry, entry.promise, ended[entry.job_id]))
    for of_lock in stays.values():
        for late in of_lock:
            # Another answer than 202 does not say when the decision was made.
            if late.entry.times_accepted:
                yield from _missed_by(late, [stay for stay in of_lock if stay.covers(late.promise)])


def _missed_by(late: _Stay, there: Sequence[_Stay]) -> Iterable[str]:
    policy = late.entry.asked.on_conflict
    for stay in there:
        if policy in {"skip", "reject"}:
            missed = "was accepted beside"
        elif policy in _REPLACING and stay.waits_during(late.promise):
            missed = "did not replace"
        elif (
            policy == "cancel-running" and stay.runs_during(late.promise) and stay.history.replaced_by is None
        ):
            missed = "did not stop"
        else:
            continue
        yield f"{late.entry.job_id} ({policy}) {missed} {stay.entry.job_id}"


def _wrongly_cancelled(history: History, book: Book) -> Iterable[str]:
    """Return what is wrong with the end of a job that was cancelled, or asked to stop."""
    if EventStatus.CANCELLED not in history.ends and not history.replaced_by:
        return
    by = book.entries.get(history.replaced_by or "")
    own = book.entries.get(history.job_id)
    allowed = _REPLACING - {"replace-waiting"} if _was_running(history) else _REPLACING
    is_right = (
        by is not None
        and own is not None
        and by.lock == own.lock
        and not by.is_turned_away
        and by.asked.on_conflict in allowed
    )
    if not is_right:
        yield f"{history.job_id} by {history.replaced_by}"


def _was_running(history: History) -> bool:
    """Return whether a job was in a run when it ended."""
    return any(run.end == history.ended_at for run in history.runs)
