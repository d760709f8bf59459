"""The pages of schedules, run without a browser against the publisher's application."""

# ruff: noqa: PLC0415

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.shown import attribute, find, joined, links
from tests.unit.dashboard.submit_site import Submitting

from dashboard.publisher_api import NotFoundError, PublisherAwayError
from dashboard.schedule_page import cards
from dashboard.schedule_page.table import schedules_card, sentence
from dashboard.site import use_site

BODY: dict[str, Any] = {
    "cron": "30 2 * * *",
    "zone": "Europe/Berlin",
    "job": {"kind": "plain", "lock": "reports"},
}


def run_list() -> None:
    """Run as the script of a viewer who looks at all schedules."""
    from dashboard.site import current_site
    from dashboard.views import schedules

    schedules.show(current_site())


def run_page() -> None:
    """Run as the script of a viewer who looks at one schedule."""
    from dashboard.site import current_site
    from dashboard.views import schedule

    schedule.show(current_site())


def run_act() -> None:
    """Run what a dialog shows."""
    import streamlit as st

    from dashboard.site import current_site
    from dashboard.views import schedule_dialogs

    site = current_site()
    act = getattr(schedule_dialogs, str(st.query_params["act"]).upper())
    schedule_dialogs.ask(site, site.publisher.schedule("nightly"), act)


@pytest.fixture
def site() -> Iterator[Submitting]:
    made = Submitting()
    made.directory.know("plain", {"type": "object", "properties": {}, "additionalProperties": False})
    use_site(made.site)
    yield made
    use_site(None)


def opened(run: Callable[[], None], **query: str) -> AppTest:
    app = AppTest.from_function(run, default_timeout=30)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def keys(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button if str(button.key).startswith("schedule")]


def act(name: str, reason: str = "why") -> AppTest:
    app = opened(run_act, act=name)
    app.text_input("schedule-reason").set_value(reason)
    app.button("schedule-yes").click().run()
    assert not app.exception
    return app


def test_the_list_says_when_each_is_due_and_what_became_of_the_latest(site: Submitting) -> None:
    assert joined(sentence([])) == "Nothing is scheduled."
    assert "turnstile schedules put" in joined(schedules_card([]))
    site.api.put_schedule("nightly", BODY, "ann")
    site.api.put_schedule("other", {**BODY, "job": {"kind": "plain"}}, "ann")
    fired = site.api.run_schedule("nightly", "bob", "now", "key")
    site.api.pause_schedule("nightly", "bob", "month's end")
    found = site.api.schedules()
    drawn = schedules_card(found)
    said = joined(drawn)
    for part in ("At 02:30 every day, Europe/Berlin", "plain under reports", "by bob", "month's end"):
        assert part in said
    assert "Submitted" in said
    assert ("schedule", {"name": "other"}) in links(drawn)
    assert ("job", {"id": fired.job_id}) in links(drawn)
    assert joined(sentence(found)).startswith("2 schedules, 1 paused. other is due next")


def test_the_page_shows_due_times_the_job_and_who_did_what(site: Submitting) -> None:
    site.api.put_schedule("nightly", {**BODY, "description": "Close the day"}, "ann")
    fired = site.api.run_schedule("nightly", "bob", "late numbers", "key")
    site.api.put_schedule("nightly", {**BODY, "zone": "UTC", "reason": "summer"}, "carl")
    view = site.site.schedule_reader.view("nightly")
    schedule = view.schedule
    assert schedule is not None
    assert joined(cards.sentence(schedule)).startswith("At 02:30 every day. Due next in ")
    next_card = cards.next_card(schedule)
    assert [attribute(one, "at") for one in find(next_card, "span.main > span")] == []
    assert len(find(next_card, "li")) == 5
    history = cards.history_card(schedule)
    assert ("job", {"id": fired.job_id}) in links(history)
    assert ("jobs", {"property": "schedule:nightly"}) in links(history)
    assert "run by hand" in joined(history)
    assert "reports" in joined(cards.job_card(schedule))
    trail = joined(cards.trail_card("nightly", view.events, is_cut=False))
    for part in ("Created", "Run by hand", "by bob: late numbers", "by carl: summer"):
        assert part in trail
    assert "zone: Europe/Berlin \u2192 UTC" in trail
    assert keys(opened(run_page, name="nightly")) == [
        "schedule-run",
        "schedule-pause",
        "schedule-edit",
        "schedule-delete",
    ]


def test_a_paused_and_an_ended_schedule_offer_what_fits(site: Submitting) -> None:
    at = (site.clock.now() + timedelta(seconds=1)).isoformat()
    site.api.put_schedule("once", {"interval": 60, "start": at, "end": at, "job": BODY["job"]}, "ann")
    site.api.put_schedule("nightly", BODY, "ann")
    site.api.pause_schedule("nightly", "bob", "month's end")
    assert keys(opened(run_page, name="nightly"))[:2] == ["schedule-run", "schedule-resume"]
    (paused,) = [each for each in site.api.schedules() if each.name == "nightly"]
    assert "Paused by bob" in joined(cards.sentence(paused))
    (once,) = [each for each in site.api.schedules() if each.name == "once"]
    assert once.words == "Once"


def test_a_schedule_is_paused_resumed_run_and_deleted_with_a_reason(site: Submitting) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    for name, state in (("pause", "paused"), ("resume", "active")):
        act(name)
        (schedule,) = site.api.schedules()
        assert (schedule.state, schedule.changed_by) == (state, "ann")
    act("run")
    assert [job["actor"] for job in site.jobs()] == ["ann"]
    act("delete", "not needed")
    assert site.api.schedules() == []
    events, is_cut = site.api.schedule_events("nightly")
    assert not is_cut
    assert [(event.action, event.reason) for event in events][-1] == ("deleted", "not needed")


def test_the_button_pressed_again_without_an_answer_runs_it_once(
    site: Submitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    run = site.api.run_schedule

    def lose_the_answer(*asked: str) -> None:
        run(*asked)
        monkeypatch.setattr(site.api, "run_schedule", run)
        raise PublisherAwayError("No answer came.", may_be_done=True)

    monkeypatch.setattr(site.api, "run_schedule", lose_the_answer)
    app = opened(run_act, act="run")
    app.button("schedule-yes").click().run()
    assert len(site.jobs()) == 1
    app.button("schedule-yes").click().run()
    assert not app.exception
    assert len(site.jobs()) == 1
    assert [event.action for event in site.api.schedule_events("nightly")[0]] == ["created", "run"]


def test_a_deleted_schedule_keeps_its_trail_and_an_unknown_one_is_said(site: Submitting) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    site.api.delete_schedule("nightly", "bob", "old")
    view = site.site.schedule_reader.view("nightly")
    assert view.schedule is None
    assert [event.action for event in view.events] == ["created", "deleted"]
    assert keys(opened(run_page, name="nightly")) == []
    with pytest.raises(NotFoundError):
        site.site.schedule_reader.view("never")
    for name in ("never", "", "Not A Name", "../x"):
        assert keys(opened(run_page, name=name)) == []


def test_those_who_only_read_have_no_actions(site: Submitting) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    assert keys(opened(run_list)) == ["schedule-edit"]
    vars(site.site.settings)["read_only"] = True
    for app in (opened(run_list), opened(run_page, name="nightly")):
        assert keys(app) == []


def test_without_a_publisher_the_pages_say_so(site: Submitting) -> None:
    site.storage.is_away = True
    for app in (opened(run_list), opened(run_page, name="nightly")):
        assert keys(app) == []


def test_viewers_share_an_answer_until_something_is_changed(site: Submitting) -> None:
    site.api.put_schedule("nightly", BODY, "ann")
    reader = type(site.site.schedule_reader)(site.api, site.clock, 60)
    assert reader.view("nightly") is reader.view("nightly")
    assert reader.all() is reader.all()
    before = reader.view("nightly"), reader.all()
    reader.forget("nightly")
    assert reader.view("nightly") is not before[0]
    assert reader.all() is not before[1]


def test_json_of_a_value_is_short(site: Submitting) -> None:
    long = {"kind": "plain", "lock": "reports", "name": "x" * 200}
    site.api.put_schedule("nightly", {**BODY, "job": {**long, "description": "y" * 3000}}, "ann")
    events, _ = site.api.schedule_events("nightly")
    assert len(json.dumps(cards.trail_card("nightly", events, is_cut=True))) < 4000
