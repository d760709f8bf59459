"""Every observation of the protocol is a log line, with the facts that spans and metrics name alike."""

import logging
from typing import Any, get_args

import pytest
from tests.unit.captured import Captured

from contracts.telemetry import attributes as at
from coordination import observations as seen
from coordination.journal.rows import JobRow
from coordination.observations import HandOver, HandOverCause, Refusal
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, TimedOut
from worker.telemetry import log_lines

TRACE = "0af7651916cd43dd8448eb211c80319c"
JOB = JobRow("one", "ten-steps", "ledger", attempt=2, fence=7, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
ABOUT_JOB = {
    at.LOCK_NAME: "ledger",
    at.JOB_ID: "one",
    at.JOB_KIND: "ten-steps",
    at.JOB_ATTEMPT: 2,
    at.LOCK_FENCE: 7,
    at.TRACE_ID: TRACE,
}
LOCK = {at.LOCK_NAME: "ledger"}
DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR

LINES: list[tuple[seen.Observation, int, str, Any]] = [
    (seen.LeaseAcquired("ledger", 0.5), INFO, "lease acquired", LOCK),
    (seen.LeaseDenied("ledger"), DEBUG, "lease denied", LOCK),
    (seen.LeaseRenewed("ledger", 4.56789), DEBUG, "lease renewed", LOCK | {at.LEASE_MARGIN: 4.5679}),
    (
        seen.RenewalFailed("ledger", "no answer"),
        WARNING,
        "lease renewal failed, retrying",
        LOCK | {at.REASON: "no answer"},
    ),
    (
        seen.LeaseEnded("ledger", "gone", is_lost=True),
        ERROR,
        "lease lost",
        LOCK | {at.REASON: "gone"},
    ),
    (seen.LeaseReleased("ledger"), INFO, "lease released", LOCK),
    (seen.LockLeft("ledger"), DEBUG, "lock released", LOCK),
    (seen.RunStarted(JOB), INFO, "run started", ABOUT_JOB),
    (
        seen.RunStarted(JOB, HandOver(HandOverCause.CHAINED)),
        INFO,
        "run started",
        ABOUT_JOB | {at.HAND_OVER_CAUSE: "chained"},
    ),
    (
        seen.RunStarted(JOB, HandOver(HandOverCause.RELEASED)),
        INFO,
        "run started",
        ABOUT_JOB | {at.HAND_OVER_CAUSE: "released"},
    ),
    (
        seen.RunStarted(JOB, HandOver(HandOverCause.WORKER_LOST)),
        INFO,
        "run started",
        ABOUT_JOB | {at.TAKE_OVER_CAUSE: "worker_lost"},
    ),
    (
        seen.RunCutOff(JOB, "w2"),
        WARNING,
        "run interrupted: worker lost",
        ABOUT_JOB | {at.WORKER_NAME: "w2"},
    ),
    (seen.StepRecorded(JOB, "load", 1.5), DEBUG, "step recorded", ABOUT_JOB | {at.JOB_STEP: "load"}),
    (seen.StateSaved(JOB, 99), DEBUG, "state saved", ABOUT_JOB | {at.JOB_STATE_SIZE: 99}),
    (seen.ProgressWritten(JOB), DEBUG, "progress written", ABOUT_JOB),
    (
        seen.Fenced("ledger", "one", Refusal.TOO_LATE, "why"),
        ERROR,
        "write refused: another worker may have taken over",
        LOCK | {at.JOB_ID: "one", at.WRITE_REFUSAL: "too_late", at.REASON: "why"},
    ),
    (seen.TablesCutOff("ledger"), ERROR, "journal does not answer", LOCK),
    (seen.WakeUpDeferred("ledger"), DEBUG, "wake-up deferred", LOCK),
    (
        seen.NotForThisWorker("ledger", "unknown"),
        WARNING,
        "this worker does not know the kind of the next job",
        LOCK | {at.JOB_KIND: "unknown"},
    ),
]

ENDS: list[tuple[Outcome, Any]] = [
    (Completed(), {at.JOB_OUTCOME: "completed"}),
    (Cancelled(), {at.JOB_OUTCOME: "cancelled"}),
    (
        Failed("ValueError", "wrong"),
        {at.JOB_OUTCOME: "failed", at.REASON: "wrong", at.ERROR_TYPE: "ValueError"},
    ),
    (TimedOut("too long"), {at.JOB_OUTCOME: "timed_out", at.REASON: "too long"}),
    (Interrupted("shutdown"), {at.JOB_OUTCOME: "interrupted", at.REASON: "shutdown"}),
    (Lost(), {}),
]

#: What every record has.
_PLAIN = vars(logging.LogRecord("", 0, "", 0, "", (), None)).keys() | {"message"}


def written(
    caplog: pytest.LogCaptureFixture, observation: seen.Observation
) -> tuple[int, str, dict[str, Any]]:
    """Write the line of an observation; returns its level, message and what else it says."""
    with caplog.at_level(logging.DEBUG, logger="turnstile.worker"):
        log_lines.write(observation)
    (record,) = caplog.records
    extra = {name: value for name, value in vars(record).items() if name not in _PLAIN}
    return record.levelno, record.getMessage(), extra


@pytest.mark.parametrize(
    ("observation", "level", "message", "extra"), LINES, ids=[type(line[0]).__name__ for line in LINES]
)
def test_an_observation_is_logged_with_its_facts(
    caplog: pytest.LogCaptureFixture,
    observation: seen.Observation,
    level: int,
    message: str,
    extra: dict[str, Any],
) -> None:
    assert written(caplog, observation) == (level, message, extra)


@pytest.mark.parametrize(("outcome", "extra"), ENDS, ids=[type(end[0]).__name__ for end in ENDS])
def test_the_end_of_a_run_is_logged_with_how_it_ended(
    caplog: pytest.LogCaptureFixture, outcome: Outcome, extra: dict[str, Any]
) -> None:
    found = written(caplog, seen.RunEnded(JOB, outcome))
    level = logging.INFO if isinstance(outcome, Completed) else logging.WARNING
    assert found == (level, "run ended", ABOUT_JOB | extra)


def test_there_is_a_line_for_every_observation() -> None:
    covered = {type(observation) for observation, *_ in LINES} | {seen.RunEnded}
    assert covered == set(get_args(seen.Observation))


def test_what_is_not_logged_is_not_worded(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, captured: Captured
) -> None:
    monkeypatch.setattr(log_lines, "_extra", lambda _: pytest.fail("worded for nothing"))
    with caplog.at_level(logging.INFO, logger="turnstile.worker"):
        log_lines.write(seen.LeaseDenied("ledger"))
    assert caplog.records == []
