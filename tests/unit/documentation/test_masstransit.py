"""Each row of the comparison with MassTransit names a test that is there, and no concept is left out."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_PAGE = (_ROOT / "docs/masstransit.md").read_text()
_ROWS = [line for line in _PAGE.splitlines() if line.startswith("| ") and "shown by" not in line]

#: Options, saga options, context, commands, schedules, states and distribution of MassTransit 8.3 and later.
_CONCEPTS = [
    "JobTimeout",
    "JobCancellationTimeout",
    "ConcurrentJobLimit",
    "GlobalConcurrentJobLimit",
    "SetConcurrentJobLimit",
    "JobTypeName",
    "ProgressBuffer.TimeLimit",
    "ProgressBuffer.UpdateLimit",
    "HeartbeatInterval",
    "HeartbeatTimeout",
    "SlotWaitTime",
    "SlotRequestTimeout",
    "StatusCheckInterval",
    "StartJobTimeout",
    "SuspectJobRetryCount",
    "SuspectJobRetryDelay",
    "ConcurrentMessageLimit",
    "FinalizeCompleted",
    "RejectedJobDelay",
    "JobId",
    "AttemptId",
    "RetryAttempt",
    "LastProgressValue",
    "LastProgressLimit",
    "ElapsedTime",
    "JobProperties",
    "SetJobProgress",
    "SaveJobState",
    "TryGetJobState",
    "CancellationToken",
    "SubmitJob",
    "CancelJob",
    "RetryJob",
    "FinalizeJob",
    "GetJobState",
    "AddOrUpdateRecurringJob",
    "RunRecurringJob",
    "TimeZoneId",
    "Submitted",
    "WaitingForSlot",
    "AllocatingJobSlot",
    "StartingJobAttempt",
    "Started",
    "Completed",
    "Faulted",
    "Canceled",
    "CancellationPending",
    "CheckingStatus",
    "Suspect",
    "Active",
    "Idle",
]


def test_every_row_names_a_test() -> None:
    assert len(_ROWS) > 40
    assert [row for row in _ROWS if not re.search(r"`[a-z0-9_/]+\.py::test_[a-z0-9_]+` \|$", row)] == []


@pytest.mark.parametrize("named", re.findall(r"`([a-z0-9_/]+\.py::test_[a-z0-9_]+)`", _PAGE))
def test_the_test_is_there(named: str) -> None:
    file, _, name = named.partition("::")
    assert f"def {name}(" in (_ROOT / "tests" / file).read_text()


@pytest.mark.parametrize("concept", _CONCEPTS)
def test_no_concept_is_left_out(concept: str) -> None:
    assert re.search(rf"`{re.escape(concept)}\b", _PAGE)
