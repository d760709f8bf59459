"""Checks of a server: how they are started, followed, stopped and kept; the processes are small scripts."""

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import until

from contracts.telemetry import attributes as at
from proof import Asked, Check, Checks, State
from proof.checks import _MOST_KEPT
from verification import Phase, Progress

_BEGINNING = datetime(2026, 11, 29, 5, tzinfo=UTC)

#: Prints the lines that the lock's name is made of, and waits, where it says so, for the end of the server.
_SCRIPT = """
import sys
lock = next(word.removeprefix("--lock=") for word in sys.argv if word.startswith("--lock="))
for line in lock.split("~"):
    if line == "wait":
        sys.exit(sys.stdin.read())
    elif line.startswith("exit"):
        sys.exit(int(line[4:]))
    print(line, flush=True)
"""


class Clock:
    """A time of day that a test sets."""

    def __init__(self) -> None:
        self.time = _BEGINNING

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checks(clock: Clock) -> Iterator[Checks]:
    made = Checks(at_most=2, command=(sys.executable, "-c", _SCRIPT), now=clock)
    yield made
    made.close()


def lines(*said: Any) -> Asked:
    """Return what lets the script print these lines."""
    return Asked("~".join(each if isinstance(each, str) else json.dumps(each) for each in said))


def result(number: int) -> dict[str, Any]:
    return {"result": {"verdict": {"holds": True}, "runs": [], "left_out": number}}


async def ended(checks: Checks, key: str) -> Check:
    """Wait until the check that is under way is over."""
    await until(lambda: checks.under_way(key) is None)
    last = checks.last(key)
    assert last is not None
    return last


async def test_a_check_is_followed_to_its_result(checks: Checks, clock: Clock) -> None:
    progress = {"progress": {"phase": "trail", "rows": 1500}}
    started = checks.start("books", lines(progress, "wait"))
    assert started.state is State.RUNNING
    await until(lambda: checks.under_way("books").progress.rows > 0)
    assert checks.under_way("books").progress == Progress(Phase.TRAIL, 1500)
    checks.stop("books")
    await ended(checks, "books")

    assert checks.start("other", lines(progress, result(3))).began_at == clock.time
    check = await ended(checks, "other")
    assert (check.state, check.is_over, check.message) == (State.DONE, True, "")
    assert check.result == result(3)["result"]


async def test_the_log_says_how_a_check_ended_and_how_long_it_took(
    checks: Checks, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="proof.checks")
    asked = lines("wait")
    checks.start("books", asked)
    clock.advance(7)
    checks.stop("books")
    await ended(checks, "books")
    (line,) = [vars(record) for record in caplog.records if record.message == "check ended"]
    assert (line[at.LOCK_NAME], line[at.CHECK_STATE], line[at.CHECK_SECONDS]) == (asked.lock, "stopped", 7.0)


async def test_viewers_of_the_same_share_one_check(checks: Checks) -> None:
    first = checks.start("books", lines("wait"))
    assert checks.start("books", lines(result(1))).asked == first.asked


async def test_a_result_is_kept_for_ten_minutes(checks: Checks, clock: Clock) -> None:
    checks.start("books", lines(result(1)))
    assert (await ended(checks, "books")).ended_at == clock.time
    clock.advance(599)
    assert checks.last("books") is not None
    clock.advance(1)
    assert checks.last("books") is None


async def test_no_more_results_are_kept_than_memory_allows(checks: Checks) -> None:
    for number in range(_MOST_KEPT + 2):
        checks.start(str(number), lines({"nothing": str(number)}))
        await ended(checks, str(number))
    kept = [number for number in range(_MOST_KEPT + 2) if checks.last(str(number)) is not None]
    assert kept == list(range(2, _MOST_KEPT + 2)), "the oldest are dropped"


async def test_few_run_at_once_and_the_others_wait_for_their_turn(checks: Checks) -> None:
    for key in ("a", "b", "c", "d"):
        checks.start(key, lines("wait") if key in "ab" else lines(result(1)))
    assert [checks.under_way(key).state for key in "abcd"] == [
        State.RUNNING, State.RUNNING, State.WAITING, State.WAITING
    ]  # fmt: skip
    checks.stop("b")
    assert (await ended(checks, "c")).state is State.DONE
    assert (await ended(checks, "d")).state is State.DONE
    assert checks.under_way("a").state is State.RUNNING


async def test_one_that_waits_can_be_stopped_too(checks: Checks) -> None:
    for key in ("a", "b", "c"):
        checks.start(key, lines("wait"))
    checks.stop("c")
    assert checks.under_way("c") is None
    assert checks.last("c").state is State.STOPPED


async def test_a_stopped_check_ends_its_process_and_leaves_the_result_before_it(
    checks: Checks, tmp_path: Path
) -> None:
    checks.start("books", lines(result(1)))
    await ended(checks, "books")
    checks.start("books", lines("wait"))
    await until(lambda: checks._current["books"].process is not None)
    process = checks._current["books"].process
    checks.stop("books")
    await until(lambda: checks.under_way("books") is None)
    assert process.returncode == -9
    assert checks.last("books").result == result(1)["result"]
    checks.stop("books")
    checks.stop("unknown")


@pytest.mark.parametrize(
    ("said", "state", "message"),
    [
        ([{"nothing": "there is no job"}], State.NOTHING, "there is no job"),
        ([{"failed": "the storage does not answer: x"}], State.FAILED, "the storage does not answer: x"),
        (["exit3"], State.FAILED, "the check ended with code 3 and without a result"),
        (["exit0"], State.FAILED, "the check ended with code 0 and without a result"),
        (['{"result": {"verd', "exit1"], State.FAILED, "the check ended with code 1 and without a result"),
        (["[1]", "exit1"], State.FAILED, "the check ended with code 1 and without a result"),
    ],
    ids=str,
)
async def test_why_there_is_no_result_is_said(
    checks: Checks, said: list[Any], state: State, message: str
) -> None:
    checks.start("books", lines(*said))
    check = await ended(checks, "books")
    assert check.state is state
    assert check.message.startswith(message)


async def test_a_process_that_cannot_be_started_is_said(clock: Clock) -> None:
    checks = Checks(command=("/nowhere/python",), now=clock)
    checks.start("books", Asked("books"))
    assert (await ended(checks, "books")).message.startswith("the check could not be started: ")
    checks.close()


async def test_closing_ends_all_processes_and_threads(clock: Clock) -> None:
    checks = Checks(at_most=2, command=(sys.executable, "-c", _SCRIPT), now=clock)
    for key in ("a", "b", "c"):
        checks.start(key, lines("wait"))
    await until(lambda: all(checks._current[key].process is not None for key in "ab"))
    processes = [checks._current[key].process.pid for key in "ab"]
    checks.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "check"]
    for pid in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
