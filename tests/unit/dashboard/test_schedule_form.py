"""The form of a schedule: what is entered, what would come of it, and what is saved."""

# ruff: noqa: PLC0415

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.submit_site import Submitting

from dashboard.forms.timetable import (
    INTERVAL,
    ONCE,
    ScheduleEntries,
    body_of,
    definition,
    entries_of,
    preview,
    wrong_fields,
)
from dashboard.site import use_site
from submission import InvalidSubmissionError

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
SOON = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
BODIES: list[dict[str, Any]] = [
    {"cron": "30 2 * * *", "zone": "Europe/Berlin", "job": {"kind": "plain", "lock": "reports"}},
    {"cron": "@daily", "job": {"kind": "plain", "lock": "default", "on_conflict": "skip"}},
    {
        "interval": 90.0,
        "start": SOON.isoformat(),
        "end": (SOON + timedelta(days=1)).isoformat(),
        "misfire": "all",
        "misfire_limit": 3,
        "misfire_after": 45.0,
        "description": "Every so often",
        "job": {"kind": "plain", "priority": 3, "properties": {"team": "accounts"}, "name": "Tidy up"},
    },
    {"interval": 86_400, "start": SOON.isoformat(), "end": SOON.isoformat(), "job": {"kind": "plain"}},
]


def run_form() -> None:
    """Run what the dialog shows."""
    import streamlit as st

    from dashboard.site import current_site
    from dashboard.views import schedule_form

    site = current_site()
    name = st.query_params.get("name")
    schedule_form.edit(site, site.publisher.schedule(name) if name else None)


@pytest.fixture
def site() -> Iterator[Submitting]:
    made = Submitting()
    made.directory.know("plain", {"type": "object", "properties": {}, "additionalProperties": False})
    use_site(made.site)
    yield made
    use_site(None)


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(run_form, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("body", BODIES, ids=["cron", "default-lock", "interval", "once"])
def test_what_the_form_shows_is_what_it_saves(site: Submitting, body: dict[str, Any]) -> None:
    schedule = site.api.put_schedule("one", body, "ann")
    made, wrong = body_of(entries_of(schedule))
    assert wrong == []
    again = site.api.put_schedule("one", {**made, "reason": "the same"}, "bob")
    assert definition(again) == definition(schedule)
    assert [event.action for event in site.api.schedule_events("one")[0]] == ["created"]


def test_a_lock_that_is_named_stays_named_and_none_stays_none(site: Submitting) -> None:
    named = site.api.put_schedule("named", BODIES[1], "ann")
    assert body_of(entries_of(named))[0]["job"]["lock"] == "default"
    unnamed = site.api.put_schedule("unnamed", {"cron": "@daily", "job": {"kind": "plain"}}, "ann")
    assert "lock" not in body_of(entries_of(unnamed))[0]["job"]


@pytest.mark.parametrize(
    ("entries", "words", "first"),
    [
        (ScheduleEntries(cron="0 2 * * *"), "At 02:00 every day", datetime(2026, 12, 1, 2, tzinfo=UTC)),
        (ScheduleEntries(way=INTERVAL, interval=900), "Every 15 minutes", NOW + timedelta(minutes=15)),
        (ScheduleEntries(way=ONCE, at="2026-12-24T18:00:00+01:00"), "Once",
         datetime(2026, 12, 24, 17, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_the_preview_says_when_it_would_be_due(entries: ScheduleEntries, words: str, first: datetime) -> None:
    body, _ = body_of(replace(entries, kind="plain"))
    said, following = preview(body, NOW, NOW)
    assert said == words
    assert following[0] == first
    assert len(following) == (1 if entries.way == ONCE else 5)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (ScheduleEntries(cron="often"), "cron: "),
        (ScheduleEntries(cron="0 2 30 2 *"), "cron: "),
        (ScheduleEntries(way=ONCE, at="2020-01-01T00:00:00Z"), "end: is over"),
        (ScheduleEntries(way=ONCE, at="tomorrow"), "start: "),
        (ScheduleEntries(way=ONCE, at="2026-12-24T18:00:00"), "start: "),
        (ScheduleEntries(end="2026-11-01T00:00:00Z"), "end: is over"),
    ],
)
def test_the_preview_says_why_it_would_not(entries: ScheduleEntries, said: str) -> None:
    with pytest.raises(InvalidSubmissionError) as raised:
        preview(body_of(entries)[0], NOW, NOW)
    assert any(one.startswith(said) for one in wrong_fields(raised.value))


def test_what_is_not_json_is_named() -> None:
    entries = ScheduleEntries(kind="plain", parameters="{", rest="[1]")
    _, wrong = body_of(entries)
    assert [one.split(":")[0] for one in wrong] == ["Other fields of the job", "Parameters"]


def test_a_schedule_is_created_and_changed(site: Submitting) -> None:
    app = opened()
    app.text_input("schedule-new-name").set_value("nightly")
    app.text_input("schedule-new-cron").set_value("30 2 * * *")
    app.text_input("schedule-new-reason").set_value("asked for")
    app.button("schedule-save").click().run()
    assert not app.exception
    (schedule,) = site.api.schedules()
    assert (schedule.name, schedule.cron, schedule.created_by) == ("nightly", "30 2 * * *", "ann")
    assert schedule.job == {"kind": "plain"}
    app = opened(name="nightly")
    assert app.text_input("schedule-of-nightly-cron").value == "30 2 * * *"
    app.text_input("schedule-of-nightly-lock").set_value("reports")
    app.button("schedule-save").click().run()
    assert not app.exception
    (schedule,) = site.api.schedules()
    assert schedule.job == {"kind": "plain", "lock": "reports"}


@pytest.mark.parametrize(
    "entered",
    [{"name": ""}, {"parameters": "{"}, {"cron": "often"}, {"name": "Not A Name"}],
    ids=lambda entered: next(iter(entered)),
)
def test_what_cannot_be_is_not_saved(site: Submitting, entered: dict[str, str]) -> None:
    app = opened()
    app.text_input("schedule-new-name").set_value("nightly")
    for name, value in entered.items():
        inputs = [*app.text_input, *app.text_area]
        next(one for one in inputs if one.key == f"schedule-new-{name}").set_value(value)
    app.button("schedule-save").click().run()
    assert not app.exception
    assert site.api.schedules() == []


def test_json_of_a_schedule_is_what_the_api_takes(site: Submitting) -> None:
    schedule = site.api.put_schedule("one", BODIES[2], "ann")
    copied = json.loads(json.dumps(definition(schedule)))
    assert definition(site.api.put_schedule("two", copied, "ann")) == definition(schedule)
