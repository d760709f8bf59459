"""Why a worker cannot start, or cannot go on."""

import asyncio
from collections.abc import Callable

import pytest

from contracts.telemetry import attributes as at
from service_defaults.app import CannotStartError
from worker import main
from worker.execution import CodeChangedError, RunnerPool, RunnerStartError
from worker.main import start_errors_explained, watch_runners


async def fail(error: Exception) -> None:
    raise error


async def start(*errors: Exception) -> None:
    with start_errors_explained():
        async with asyncio.TaskGroup() as starting:
            for error in errors:
                starting.create_task(fail(error))


async def test_a_runner_that_did_not_start_is_explained_with_the_remedy() -> None:
    text = "jobs module 'a' cannot be imported. Correct it, or take the module out of TURNSTILE_JOBS."
    with pytest.raises(CannotStartError) as caught:
        await start(ValueError("other"), RunnerStartError("jobs module 'a' cannot be imported"))
    assert str(caught.value) == text


async def test_what_else_goes_wrong_at_the_start_stays_as_it_is() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await start(ValueError("other"))
    assert caught.group_contains(ValueError)


class Watched(RunnerPool):
    """A pool whose watch ends with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__(1, ["jobs"], environment={})
        self._error = error

    async def watch(self, places_changed: Callable[[], None], patience_seconds: float | None = None) -> None:
        places_changed()
        raise self._error


async def test_a_worker_whose_code_has_changed_stops_in_order_and_logs_the_file_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    monkeypatch.setattr(main, "stop_as_failed", lambda: done.append("stopped"))
    await watch_runners(Watched(CodeChangedError("/jobs.py has changed")), lambda: done.append("places"))
    (record,) = caplog.records
    assert (record.message, record.exc_info) == ("code has changed", None)
    assert vars(record)[at.REASON] == "/jobs.py has changed"
    assert done == ["places", "stopped"]


async def test_a_worker_without_runners_fails() -> None:
    with pytest.raises(RunnerStartError, match="no runner"):
        await watch_runners(Watched(RunnerStartError("no runner for 180 s")), lambda: None)
