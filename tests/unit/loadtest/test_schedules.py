"""Schedules of a scenario: what is noted of each request, and of what the API says."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from loadtest import actions as module
from loadtest import schedules
from loadtest.actions import ActionError, Actions
from loadtest.asked import Asked
from loadtest.book import Book
from loadtest.due_times import Outcome, Rule
from loadtest.schedules import Schedule, delete_all, find_jobs

CREATED = "2026-03-01T12:00:00.250000+00:00"
CHANGED = "2026-03-01T12:00:05+00:00"


class FakeSession:
    """Answers each request with the next answer of its kind, and the last of them again and again."""

    def __init__(self, **answers):
        self.answers = answers
        self.sent = []

    @contextmanager
    def request(self, method, path, *, name, json=None, headers=None, catch_response=False):
        self.sent.append((method, path, json))
        answers = self.answers[method]
        status, document = answers.pop(0) if len(answers) > 1 else answers[0]
        yield SimpleNamespace(status_code=status, json=lambda: document, success=lambda: None)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    for each in (module, schedules):
        monkeypatch.setattr(each.time, "sleep", lambda seconds: None)


def acting(**answers):
    session = FakeSession(**answers)
    return Actions(session, "run", "load-run-schedules-", "127.0.0.1:1", 20), session


def details(**more):
    return {"created_at": CREATED, "changed_at": CHANGED, "history": [], **more}


def created(*, by_cron=False, **answers):
    actions, session = acting(PUT=[(201, details())], **answers)
    return Schedule.create(actions, "00", Asked("own"), 2, by_cron=by_cron), session


def test_a_schedule_is_put_with_all_that_it_needs():
    schedule, session = created(by_cron=True)
    ((method, path, body),) = session.sent
    assert (method, path) == ("PUT", "/api/v1/schedules/load-run-00")
    assert body["cron"] == "*/2 * * * * *"
    assert body["misfire_after"] >= 3600
    assert body["job"]["lock"] == "load-run-schedules-own"
    assert schedule.record.done == ["created"]
    schedule.change()
    assert session.sent[-1][2]["cron"] == "* * * * * *"
    assert created()[1].sent[0][2]["interval"] == 2


def test_each_change_ends_a_phase_and_begins_another():
    schedule, _ = created(POST=[(200, details())])
    schedule.change()
    schedule.pause()
    assert not schedule.is_active
    schedule.resume()
    assert schedule.is_active
    assert schedule.record.done == ["created", "changed", "paused", "resumed"]
    first, second = schedule.record.phases
    anchor, changed_at = map(datetime.fromisoformat, (CREATED, CHANGED))
    assert (first.rule, second.rule) == (Rule(2, anchor), Rule(1, anchor))
    assert (first.since, first.surely_since) == (anchor, anchor)
    assert (second.since, second.surely_since) == (changed_at, first.ended)
    assert first.ending <= first.ended <= second.ending <= second.ended


def said(due_at, outcome, trigger="due"):
    return {"due_at": due_at.isoformat(), "trigger": trigger, "outcome": outcome, "job_id": "one"}


def test_the_history_is_noted_without_runs_by_hand():
    due_at = datetime(2026, 3, 1, 12, 0, 2, tzinfo=UTC)
    history = [said(due_at, "submitted"), said(due_at, "refused", "hand")]
    schedule, _ = created(GET=[(200, details(history=history))])
    schedule.look()
    assert schedule.record.outcomes == {due_at: Outcome("submitted", "one")}


def test_what_it_remembered_no_more_is_noted():
    def history(first):
        return [said(datetime(2026, 3, 1, 12, 0, first + n, tzinfo=UTC), "skipped") for n in range(20)]

    answers = [(200, details(history=history(first))) for first in (1, 21, 30)]
    schedule, _ = created(GET=answers)
    schedule.look()
    assert schedule.record.unseen == [
        (datetime.fromisoformat(CREATED), datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC))
    ]
    schedule.record.unseen.clear()
    for _ in range(2):
        schedule.look()
    # Between 20 and 21 nothing is due, and what came up to 49 was seen before 30 was forgotten.
    assert [(since.second, until.second) for since, until in schedule.record.unseen] == [(20, 21)]


def test_it_is_deleted_when_all_that_was_due_is_decided():
    now = datetime.now(UTC)
    actions, session = acting(
        PUT=[(201, details(created_at=(now - timedelta(seconds=5)).isoformat()))],
        GET=[
            (200, details()),
            (200, details(history=[said(now - timedelta(seconds=1), "submitted")])),
            (200, {"items": [{"action": "created"}], "next": "a b"}),
            (200, {"items": [{"action": "deleted"}], "next": None}),
        ],
        DELETE=[(200, details())],
    )
    schedule = Schedule.create(actions, "00", Asked("own"), 2, by_cron=False)
    delete_all([schedule])
    assert [path for _, path, _ in session.sent[-2:]] == [
        "/api/v1/schedules/load-run-00/events?limit=200",
        "/api/v1/schedules/load-run-00/events?limit=200&cursor=a%20b",
    ]
    record = schedule.record
    assert record.trail == record.done == ["created", "deleted"]
    assert record.phases[0].reached == now - timedelta(seconds=1)


def test_a_run_by_hand_is_noted_as_it_was_answered():
    answers = [(202, {"outcome": "pending", "job_id": "a"}), (202, {"outcome": "skipped", "job_id": "b"})]
    schedule, session = created(POST=[*answers, (409, {"type": "urn:turnstile:problem:lock_busy"})])
    for _ in range(3):
        schedule.run()
    assert schedule.record.by_hand == [
        Outcome("submitted", "a"), Outcome("skipped", "b"), Outcome("refused"),
    ]  # fmt: skip
    assert session.sent[-1][1] == "/api/v1/schedules/load-run-00:run"


def listed(job_id, actor="schedule:load-run-00"):
    return {"job_id": job_id, "actor": actor, "properties": {"due_at": CHANGED}}


def test_jobs_are_looked_for_until_those_that_are_known_are_listed():
    pages = [
        (200, {"items": [listed("late")], "next": None}),
        (200, {"items": [listed("late")], "next": "more"}),
        (200, {"items": [listed("one"), listed("hand", "load")], "next": None}),
    ]
    schedule, _ = created(GET=pages)
    schedule.record.note(datetime.fromisoformat(CHANGED), Outcome("submitted", "one"))
    book = Book()
    found = list(find_jobs(schedule.actions, book))
    assert [(entry.job_id, entry.is_promised, entry.lock) for entry in found] == [
        (job_id, True, "load-run-schedules-own") for job_id in ("late", "one", "hand")
    ]
    assert [job.is_by_hand for job in schedule.record.jobs] == [False, False, True]
    assert list(find_jobs(schedule.actions, book)) == []


def test_a_request_is_repeated_until_it_is_answered_and_another_status_is_an_error():
    actions, session = acting(PUT=[(0, None), (503, {}), (200, {"x": 1})])
    assert actions.request("PUT", "/x", "/x", {}).document == {"x": 1}
    assert len(session.sent) == 3
    with pytest.raises(ActionError, match=r"GET /x: 422 \{'detail': 'no'\}"):
        acting(GET=[(422, {"detail": "no"})])[0].request("GET", "/x", "/x")
    with pytest.raises(ActionError, match="GET /x was not answered"):
        acting(GET=[(503, None)])[0].request("GET", "/x", "/x")


def test_limits_are_noted_and_read_in_the_order_in_which_they_were_set():
    recorded = [{"limit": 1, "set_at": CHANGED}, {"limit": 3, "set_at": CREATED}]
    actions, session = acting(PUT=[(200, {})], GET=[(200, {"limits": recorded})])
    actions.set_limit("a b", 3)
    actions.set_limit("a b", 1)
    lock = "load-run-schedules-a b"
    assert actions.set_limits == {lock: [3, 1]}
    assert session.sent[0][1] == "/api/v1/locks/load-run-schedules-a%20b"
    assert [limit.limit for limit in actions.recorded_limits()[lock]] == [3, 1]


@pytest.mark.parametrize("text", ["<html>", None])
def test_an_answer_without_json_has_no_document(text):
    assert module.document_of(SimpleNamespace(json=lambda: json.loads(text))) is None


def test_a_job_is_known_or_not():
    assert acting(GET=[(200, {})])[0].knows("one")
    assert not acting(GET=[(404, {})])[0].knows("one")
