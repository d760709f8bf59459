"""The schedules of a file, applied when a scheduler starts."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from tests.unit.schedules.desk import Desk, definition
from tests.waiting import until

from coordination.ports import UnknownOutcomeError
from scheduler.schedule_file import ACTOR, apply_file
from scheduler.settings import SchedulerSettings
from schedules import NoSuchScheduleError


def settings(path: Path) -> SchedulerSettings:
    return SchedulerSettings(
        storage_connection_string=SecretStr("AccountName=a;AccountKey=YQ=="), schedules_file=path
    )


async def test_schedules_are_created_changed_and_left() -> None:
    desk = Desk()
    await desk.put("changed")
    await desk.put("same")
    await desk.put("other")
    wanted = {"new": definition(interval=60), "changed": definition(cron="@daily"), "same": definition()}
    await apply_file(wanted, desk.people(), desk.clock)
    actions = {name: [event.action for event in await desk.trail(name)] for name in (*wanted, "other")}
    assert actions.pop("changed") == ["created", "changed"]
    assert actions == {name: ["created"] for name in ("new", "same", "other")}
    assert (await desk.row("new")).created_by == ACTOR


async def is_there(desk: Desk, name: str) -> bool:
    try:
        await desk.row(name)
    except NoSuchScheduleError:
        return False
    return True


async def test_a_refused_schedule_hinders_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    wanted = {"a": definition(job={"kind": "coming"}), "b": definition()}
    applying = asyncio.create_task(apply_file(wanted, desk.people(), desk.clock))
    await until(lambda: is_there(desk, "b"))
    await until(lambda: "schedule of the file refused" in caplog.text)
    assert (await desk.row("b")).created_by == ACTOR
    known = desk.directory.known_kinds["report"]
    desk.directory.known_kinds["coming"] = known.model_copy(update={"kind": "coming"})
    await desk.clock.advance(60)
    await asyncio.wait_for(applying, 5)
    assert (await desk.row("a")).created_by == ACTOR


async def test_a_storage_that_is_away_is_waited_for() -> None:
    desk = Desk()
    await desk.kinds.all()

    async def lose(when: str, call: str) -> None:
        raise UnknownOutcomeError

    desk.table.calls.fault = lose
    applying = asyncio.create_task(apply_file({"a": definition()}, desk.people(), desk.clock))
    await desk.clock.advance(20)
    assert not applying.done()
    desk.table.calls.fault = None
    await desk.clock.advance(20)
    await asyncio.wait_for(applying, 5)
    assert (await desk.row("a")).name == "a"


@pytest.mark.parametrize(("content", "said"), [("[schedules", "is not TOML"), (None, "cannot be read")])
def test_a_file_that_cannot_be_used_is_named_before_anything_starts(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "schedules.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValidationError, match=said):
        settings(path)


def test_a_usable_file_is_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "schedules.toml"
    path.write_text("[schedules.a]\ninterval = 60\njob.kind = 'report'\n")
    assert settings(path).schedules_file == path
