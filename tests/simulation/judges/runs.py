"""Runs: each gets what its job was submitted with and has recorded, and is recorded as what it came to.

Those who execute runs report what a run was given, what it reported, and how it ended. Topics: `given`,
`progress` (step and progress in a job's row were reported by this run, or by an earlier one of the same job
and not overwritten since), `end` (the recorded end is the one that the handler came to).
"""

import json
from dataclasses import dataclass, field
from typing import assert_never

from tests.simulation.judges.lives import Life
from tests.simulation.judges.writes import Tell, Write

from contracts.statuses import EventStatus, JobStatus
from coordination.holder.runs import Run
from coordination.journal.rows import EventRow, JobRow
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, TimedOut

#: What a run reports: value, limit, and the step that runs.
Report = tuple[float | None, float | None, str]


@dataclass
class _Run:
    reports: list[Report] = field(default_factory=list)
    #: The first report that can still be written: those before it were written, or overwritten.
    next: int = 0
    outcome: Outcome | None = None
    #: The state that it records now.
    saving: str | None = None


class Runs:
    """All runs, by job and attempt."""

    def __init__(self, tell: Tell, lives: dict[str, Life]) -> None:
        self._tell = tell
        self._lives = lives
        self._runs: dict[tuple[str, int], _Run] = {}
        #: How far each job's row says it is.
        self._progress: dict[str, tuple[float | None, float | None]] = {}
        #: What is kept of each job: the state saved last.
        self._states: dict[str, str] = {}
        #: Writes of progress that were judged.
        self.judged = 0

    # --- what those who execute say -----------------------------------------

    def given(self, run: Run, parameters: str) -> None:
        """Compare what a run is given with what was submitted and recorded."""
        life = self._lives[run.job.job_id]
        if run.job.attempt < life.attempt:
            return  # it was cut off before it began
        if [step.name for step in run.recorded] != life.steps:
            names = [step.name for step in run.recorded]
            self._tell("given", f"{run.job.job_id} is given the steps {names}, and has recorded {life.steps}")
        if run.state != self._states.get(run.job.job_id):
            self._tell("given", f"{run.job.job_id} is given another state than it saved last")
        if run.parameters != parameters:
            self._tell("given", f"{run.job.job_id} is given other parameters than it was submitted with")
        if (run.fence, run.job.attempt) != (life.fence, life.attempt):
            self._tell("given", f"{run.job.job_id} is given fence {run.fence}, attempt {run.job.attempt}")

    def saves(self, run: Run, state: str | None) -> None:
        """Note the state that a run is about to record, with a step or alone; None leaves the last one."""
        self._run(run.job.job_id, run.job.attempt).saving = state

    def reports(self, run: Run, report: Report) -> None:
        """Note what a run reports."""
        self._run(run.job.job_id, run.job.attempt).reports.append(report)

    def returns(self, run: Run, outcome: Outcome) -> None:
        """Note what a run came to."""
        self._run(run.job.job_id, run.job.attempt).outcome = outcome

    def _run(self, job_id: str, attempt: int) -> _Run:
        return self._runs.setdefault((job_id, attempt), _Run())

    # --- what is written ----------------------------------------------------

    def see(self, write: Write) -> None:
        """Judge a transaction."""
        of_run: dict[str, EventRow] = {}
        for event in write.events:
            if event.status in {EventStatus.STEP, EventStatus.STATE_SAVED}:
                state = self._run(event.job_id, event.attempt).saving
                if state is not None:
                    self._states[event.job_id] = state
            if event.worker is not None and not write.takes_over:
                of_run.setdefault(event.job_id, event)
        for job_id, event in of_run.items():
            self._judge_end(event, write.jobs[job_id])
        for job_id, job in write.jobs.items():
            self._judge_progress(write, job_id, job)

    def _judge_end(self, event: EventRow, job: JobRow) -> None:
        """Compare the end that a holder recorded for its own run with what the run came to."""
        status = EventStatus(event.status)
        goes_on = {EventStatus.INTERRUPTED, EventStatus.ATTEMPT_FAILED}
        if status not in goes_on and not status.is_terminal:
            return
        outcome = self._run(event.job_id, event.attempt).outcome
        expected, found = self._compared(outcome, event, job)
        if expected != found:
            self._tell("end", f"{event.job_id} came to {outcome}, and this was recorded: {found}")

    def _compared(self, outcome: Outcome | None, event: EventRow, job: JobRow) -> tuple[object, object]:
        """Return what is to be recorded of a run that came to this, and what was."""
        status, data = EventStatus(event.status), json.loads(event.data)
        expected: object
        found: object
        if isinstance(outcome, Failed | TimedOut) and self._is_tried_again(status, job, outcome):
            name = outcome.type if isinstance(outcome, Failed) else "TimedOut"
            is_in_time = self._is_due_in_time(job, outcome, data.get("delay", -1.0))
            return (
                (EventStatus.ATTEMPT_FAILED, name, outcome.message, True),
                (status, data.get("error_type"), job.failure_message, is_in_time),
            )
        match outcome:
            case Completed(result):
                expected, found = (EventStatus.COMPLETED, result), (status, job.result)
            case Failed(error_type, message):
                expected = EventStatus.FAILED, error_type, message
                found = status, data.get("error_type"), job.error_message
            case Cancelled():
                expected, found = EventStatus.CANCELLED, status
            case TimedOut(message):
                expected, found = (EventStatus.TIMED_OUT, message), (status, event.message)
            case Interrupted(reason, died):
                expected = EventStatus.INTERRUPTED, reason, died
                found = status, event.message, data.get("died")
            case Lost() | None:
                expected, found = outcome, status
            case _:
                assert_never(outcome)
        return expected, found

    def _is_tried_again(self, status: EventStatus, job: JobRow, outcome: Failed | TimedOut) -> bool:
        """Return whether another attempt is to follow, by the policy in the job's row."""
        if job.retry is None or job.cancel_requested:
            return False
        policy = json.loads(job.retry)
        failed = self._lives[job.job_id].retries + (status is not EventStatus.ATTEMPT_FAILED)
        if failed >= policy["attempts"]:
            return False
        if isinstance(outcome, TimedOut):
            return True
        is_excluded = outcome.type in policy["except_for"] and outcome.retry_after is None
        return bool(outcome.error_classes) and not is_excluded

    def _is_due_in_time(self, job: JobRow, outcome: Failed | TimedOut, delay: float) -> bool:
        """Return whether the next attempt is due when the handler, or else the policy, says."""
        if isinstance(outcome, Failed) and outcome.retry_after is not None:
            return delay == outcome.retry_after
        policy = json.loads(job.retry or "{}")
        before = self._lives[job.job_id].retries - 1
        grown = policy["delay"] * 2**before if policy["backoff"] == "exponential" else policy["delay"]
        least = min(grown, policy["longest_delay"])
        return bool(least - 0.001 <= delay <= least * (1 + policy["jitter"]) + 0.001)

    def _judge_progress(self, write: Write, job_id: str, job: JobRow) -> None:
        before = self._progress.get(job_id, (None, None))
        now = job.progress_value, job.progress_limit
        self._progress[job_id] = now
        if job.status != JobStatus.RUNNING and not job.is_terminal:
            if now != before and not self._was_reported(job, now, before):
                self._tell("progress", f"{job_id} waits, and its progress is {now}, not {before}")
            return
        is_start = write.started is not None and write.started.job_id == job_id
        if is_start:
            if now != before or job.step:
                self._tell("progress", f"{job_id} starts in step {job.step!r} at {now}, not at {before}")
            return
        if (now == before and not job.step) or self._was_reported(job, now, before):
            return
        self._tell(
            "progress", f"{job_id} is said to be in step {job.step!r} at {now}, which it never reported"
        )

    def _was_reported(
        self, job: JobRow, now: tuple[float | None, float | None], before: tuple[float | None, float | None]
    ) -> bool:
        """Return whether this run reported this, and nothing written since then is overwritten by it."""
        self.judged += 1
        run = self._run(job.job_id, job.attempt)
        recorded = self._lives[job.job_id].steps
        for number in range(len(run.reports) - 1, -1, -1):
            value, limit, step = run.reports[number]
            is_same = (before[0] if value is None else value, before[1] if limit is None else limit) == now
            if not is_same or (job.step and (job.step != step or step in recorded)):
                continue
            if number < run.next:
                # It may be written again, with a request to cancel that came in between.
                return number == run.next - 1
            run.next = number + 1
            return True
        return False
