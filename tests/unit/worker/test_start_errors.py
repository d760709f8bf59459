"""Why a worker cannot start."""

import asyncio

import pytest

from service_defaults.app import CannotStartError
from worker.execution import RunnerStartError
from worker.main import start_errors_explained


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
