"""The page of schedules, run without a browser against the publisher's application."""

# ruff: noqa: PLC0415

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.shown import joined
from tests.unit.dashboard.submit_site import Submitting

from dashboard.site import use_site
from dashboard.views.schedules import schedules_card, sentence

BODY: dict[str, Any] = {
    "cron": "30 2 * * *",
    "zone": "Europe/Berlin",
    "job": {"kind": "plain", "lock": "reports"},
}


def run_page() -> None:
    """Run as the script of a viewer."""
    from dashboard.site import current_site
    from dashboard.views import schedules

    schedules.show(current_site())


def run_act() -> None:
    """Run what the dialog of actions shows."""
    from dashboard.site import current_site
    from dashboard.views import schedule_dialogs

    schedule_dialogs.act_form(current_site(), current_site().schedules.get().content)


def run_edit() -> None:
    """Run what the dialog of changes shows."""
    from dashboard.site import current_site
    from dashboard.views import schedule_dialogs

    schedule_dialogs.edit_form(current_site(), current_site().schedules.get().content)


@pytest.fixture
def site() -> Iterator[Submitting]:
    made = Submitting()
    made.directory.know("plain", {"type": "object", "properties": {}, "additionalProperties": False})
    use_site(made.site)
    yield made
    use_site(None)


def opened(run: Callable[[], None] = run_page) -> AppTest:
    app = AppTest.from_function(run, default_timeout=30).run()
    assert not app.exception
    return app


def test_the_table_says_when_each_is_due_and_what_became_of_the_latest(site: Submitting) -> None:
    assert joined(sentence([])) == "Nothing is scheduled."
    assert "turnstile schedules put" in joined(schedules_card([]))
    site.api.put_schedule("nightly", BODY, "ann")
    site.api.put_schedule("other", BODY, "ann")
    site.api.act_on_schedule("nightly", "run", "bob", "now")
    site.api.act_on_schedule("nightly", "pause", "bob", "month's end")
    found = site.api.schedules()
    drawn = joined(schedules_card(found))
    for part in (
        "At 02:30 every day, Europe/Berlin",
        "plain under reports",
        "Paused",
        "by bob",
        "month's end",
    ):
        assert part in drawn
    assert "Submitted" in drawn
    assert joined(sentence(found)).startswith("2 schedules, 1 paused. other is due next")


def test_a_schedule_is_paused_resumed_and_run(site: Submitting) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    for button, state in (("schedule-pause", "paused"), ("schedule-resume", "active")):
        app = opened(run_act)
        app.text_input("schedule-act-reason").set_value("why")
        app.button(button).click().run()
        assert not app.exception
        (schedule,) = site.api.schedules()
        assert (schedule.state, schedule.changed_by) == (state, "ann")
    app = opened(run_act)
    app.button("schedule-run").click().run()
    assert not app.exception
    assert [job["actor"] for job in site.jobs()] == ["ann"]


def test_a_schedule_is_created_and_changed_as_json(site: Submitting) -> None:
    app = opened(run_edit)
    app.text_input("schedule-name-(a new one)").set_value("nightly")
    app.text_area("schedule-json-(a new one)").set_value(json.dumps(BODY))
    app.button("schedule-save").click().run()
    assert not app.exception
    (schedule,) = site.api.schedules()
    assert (schedule.name, schedule.created_by) == ("nightly", "ann")
    app = opened(run_edit)
    app.selectbox("schedule-edit-name").set_value("nightly").run()
    shown = json.loads(str(app.text_area("schedule-json-nightly").value))
    assert shown == BODY
    app.text_area("schedule-json-nightly").set_value(json.dumps({**BODY, "zone": "UTC"}))
    app.button("schedule-save").click().run()
    assert site.api.schedules()[0].zone == "UTC"


@pytest.mark.parametrize("text", ["{", '{"cron": "often", "job": {"kind": "plain"}}'])
def test_what_cannot_be_is_said_in_the_dialog(site: Submitting, text: str) -> None:
    app = opened(run_edit)
    app.text_input("schedule-name-(a new one)").set_value("nightly")
    app.text_area("schedule-json-(a new one)").set_value(text)
    app.button("schedule-save").click().run()
    assert not app.exception
    assert site.api.schedules() == []


def test_the_page_has_the_buttons_of_the_dialogs_unless_it_is_for_reading(site: Submitting) -> None:
    assert [button.key for button in opened().button] == ["schedule-edit", "schedules-again"]
    site.api.put_schedule("nightly", BODY, "ann")
    app = opened()
    assert [button.key for button in app.button] == ["schedule-act", "schedule-edit", "schedules-again"]
    app.button("schedule-act").click().run()
    assert not app.exception
    vars(site.site.settings)["read_only"] = True
    assert [button.key for button in opened().button] == ["schedules-again"]
    site.storage.is_away = True
    assert [button.key for button in opened().button] == ["schedules-again"]
