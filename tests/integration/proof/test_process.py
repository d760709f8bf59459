"""A check in a process of its own, over real tables: its result, how it is stopped, and that it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from deploy.servers.private import Azurite
from tests.integration.proof.conftest import Written
from tests.unit.verification.authored import BEGINNING
from tests.unit.verification.breaking import FIRST
from tests.unit.verification.test_command import NOWHERE
from tests.waiting import until

from proof import Asked, Check, Checks, State, result_document
from verification import Phase, Scope

pytestmark = pytest.mark.integration

#: A server that starts a check, names its process, and is then killed.
_SERVER = """
import sys, time
from proof import Asked, Checks
checks = Checks()
checks.start("it", Asked("ledger"))
while not (checks._current["it"].process and checks.under_way("it").progress.phase == "trail"):
    time.sleep(0.01)
print(checks._current["it"].process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def environment(azurite: Azurite, storage_namespace: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TURNSTILE_STORAGE_CONNECTION_STRING": azurite.connection_string,
        "TURNSTILE_STORAGE_NAMESPACE": storage_namespace,
        "SQLITE_TMPDIR": str(tmp_path),
    }


@pytest.fixture
def checks(environment: dict[str, str]) -> Iterator[Checks]:
    made = Checks(environment=environment)
    yield made
    made.close()


async def outcome(checks: Checks, asked: Asked) -> Check:
    checks.start("it", asked)
    await until(lambda: checks.under_way("it") is None)
    last = checks.last("it")
    assert last is not None
    return last


def is_running(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    return False


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize("lock", ["ledger", "busy"])
async def test_the_process_comes_to_the_verdict_of_the_checker(
    written: Written, checks: Checks, lock: str
) -> None:
    check = await outcome(checks, Asked(lock))
    assert (check.state, check.message) == (State.DONE, "")
    assert check.result == result_document(await written.verdict(scope=Scope((lock,))))
    assert check.result["verdict"]["holds"]
    assert check.progress.phase is Phase.SUMMARY
    assert check.progress.rows > check.result["verdict"]["counts"]["events"]


async def test_a_period_reaches_the_process(written: Written, checks: Checks) -> None:
    since, later = BEGINNING + timedelta(seconds=20), BEGINNING + timedelta(seconds=22)
    check = await outcome(checks, Asked("ledger", since, later))
    scope = Scope(("ledger",), since, later)
    assert check.result == result_document(await written.verdict(scope=scope))
    assert check.result["verdict"]["period"]["since"] == "2026-11-21T08:00:20.000000Z"
    assert check.result["verdict"]["counts"]["runs"] < 7


async def test_violations_reach_the_server(written: Written, checks: Checks) -> None:
    async with written.changed("Journal", f"event|{FIRST}|000002", actor="altered"):
        check = await outcome(checks, Asked("ledger"))
    assert (check.state, check.result["verdict"]["holds"]) == (State.DONE, False)
    assert check.result["verdict"]["found"]["I1"] >= 1


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked("--ledger"), "the lock --ledger has no history"),
        (Asked("ledger", since=BEGINNING + timedelta(days=1)), "there is no job"),
    ],
    ids=lambda value: getattr(value, "lock", ""),
)
async def test_nothing_to_check_is_no_failure(checks: Checks, asked: Asked, message: str) -> None:
    check = await outcome(checks, asked)
    assert (check.state, check.message) == (State.NOTHING, message)


async def test_a_namespace_that_is_not_in_use_has_nothing_to_check(checks: Checks) -> None:
    check = await outcome(checks, Asked("ledger"))
    assert (check.state, check.message) == (State.NOTHING, "there are no tables")


async def test_storage_that_does_not_answer_is_said(environment: dict[str, str]) -> None:
    checks = Checks(environment={**environment, "TURNSTILE_STORAGE_CONNECTION_STRING": NOWHERE})
    check = await outcome(checks, Asked("ledger"))
    assert check.state is State.FAILED
    assert check.message.startswith("the storage does not answer: ")
    assert "a2V5" not in check.message, "no key is shown"
    checks.close()


async def test_settings_that_name_no_storage_are_said(environment: dict[str, str]) -> None:
    checks = Checks(environment={**environment, "TURNSTILE_STORAGE_CONNECTION_STRING": "AccountName=a"})
    check = await outcome(checks, Asked("ledger"))
    assert check.state is State.FAILED
    assert "AccountKey" in check.message
    checks.close()


async def _waiting(written: Written) -> None:
    """Let the trail lack the last event of a job, for which a check waits for half a minute."""
    job, row = next(iter(written.idle.jobs.items()))
    await written.delete("JobAuditTrail", f"{job}-{row.seq:06d}")


async def test_a_check_can_be_stopped_and_leaves_no_file(
    written: Written, checks: Checks, tmp_path: Path
) -> None:
    await _waiting(written)
    checks.start("it", Asked("ledger"))
    await until(lambda: checks.under_way("it").progress.phase is Phase.TRAIL)
    pid = checks._current["it"].process.pid
    began = time.monotonic()
    checks.stop("it")
    await until(lambda: checks.under_way("it") is None)
    assert time.monotonic() - began < 5
    assert checks.last("it").state is State.STOPPED
    assert not is_running(pid)
    assert files_in(tmp_path) == []


async def test_a_check_ends_when_its_server_is_killed(
    written: Written, environment: dict[str, str], tmp_path: Path
) -> None:
    await _waiting(written)
    command = [sys.executable, "-c", _SERVER]
    server = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)
    pid = int(await server.stdout.readline())
    assert is_running(pid)
    server.send_signal(signal.SIGKILL)
    await server.wait()
    await until(lambda: not is_running(pid), within=10)
    assert files_in(tmp_path) == []


async def test_it_ends_with_its_input_also_when_no_one_has_read_what_it_prints(
    written: Written, environment: dict[str, str]
) -> None:
    await _waiting(written)
    words = ("-m", "proof", "--ends-with-input", "--lock=ledger")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.wait(), 3)
    process.stdin.close()
    await asyncio.wait_for(process.wait(), 5)


def test_by_hand_it_prints_progress_and_then_the_result(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "proof", "--lock=ledger"]
    ended = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert [line.split('"')[1] for line in ended.stdout.splitlines()][-1] == "nothing"
    assert ended.stdout.startswith('{"progress":{"phase":"journal","rows":0}}\n')
