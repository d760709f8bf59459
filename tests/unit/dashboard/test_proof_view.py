"""The Proof page in Streamlit, with checks that a test ends as it likes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.proofs import READ_AT, overlapping, report_on, words
from tests.unit.verification.authored import Author, eventful

from contracts.lock_names import MAX_LENGTH
from coordination.clock import SystemClock
from coordination.ports import UnknownOutcomeError
from dashboard import site as sites
from dashboard.board.snapshot import Snapshot
from proof import Asked, Check, State
from verification import Phase, Progress

NOW = datetime.now(UTC)

_SCRIPT = """
from dashboard.site import current_site
from dashboard.views import proof

proof.show(current_site())
"""


class ScriptedChecks:
    """Stands for the checks: notes what was started, and shows what a test has prepared."""

    def __init__(self) -> None:
        self.started: list[Asked] = []
        self.stopped: list[str] = []
        self.running: Check | None = None
        self.ended: Check | None = None

    def start(self, key: str, asked: Asked) -> Check:
        self.started.append(asked)
        self.running = Check(asked, State.RUNNING, NOW, Progress(Phase.TRAIL, 12_500))
        return self.running

    def under_way(self, key: str) -> Check | None:
        return self.running

    def last(self, key: str) -> Check | None:
        return self.ended

    def stop(self, key: str) -> None:
        self.stopped.append(key)
        self.running = None


class Reader:
    """Answers with the names of locks, or not at all."""

    def __init__(self) -> None:
        self.is_away = False
        self.reads = 0

    def read(self, answer: Any) -> Any:
        self.reads += 1
        if self.is_away:
            raise UnknownOutcomeError("no answer")
        return answer


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the words of what was drawn last under each key; the component itself needs a browser."""
    found: dict[str, str] = {}

    def draw(key: str, tree: Any, **_: Any) -> Any:
        found[key] = words(tree)
        return SimpleNamespace(picked=(), hidden=False, act=None, value=None)

    monkeypatch.setattr("dashboard.frame.draw", draw)
    monkeypatch.setattr("dashboard.views.proof.draw", draw)
    return found


@pytest.fixture
def site() -> Iterator[SimpleNamespace]:
    names = [SimpleNamespace(lock=name) for name in ("books", "ledger")]
    site = SimpleNamespace(
        settings=SimpleNamespace(storage_namespace="", read_only=False, refresh_seconds=2.0),
        clock=SystemClock(),
        reader=Reader(),
        models=SimpleNamespace(locks=lambda _: SimpleNamespace(items=names)),
        board=SimpleNamespace(look=lambda _=0.0: Snapshot(read_at=NOW)),
        requests=SimpleNamespace(per_minute=lambda: 0),
        checks=ScriptedChecks(),
    )
    sites.use_site(cast("sites.Site", site))
    yield site
    sites.use_site(None)


def page(**query: str) -> AppTest:
    app = AppTest.from_string(_SCRIPT, default_timeout=20)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def done(author: Author) -> Check:
    return asyncio.run(report_on(author)).check


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_without_a_lock_the_page_offers_some(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    app = page()
    assert drawn["proof-verdict"] == "Choose a lock to check. books ledger"
    assert app.selectbox(key="proof-lock").options == ["books", "ledger"]
    assert site.checks.started == []
    assert labels(app) == []


def test_a_day_of_one_lock_is_checked_at_once(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    app = page(lock="ledger")
    (asked,) = site.checks.started
    assert asked.lock == "ledger"
    assert asked.until - asked.since == timedelta(hours=24)
    assert drawn["proof-verdict"].startswith("Checking Step 4 of 8: comparing the audit trail. 12,500 rows")
    assert labels(app) == ["Stop"]
    app.button(key="proof-stop").click().run()
    assert site.checks.stopped == ["ledger"]


@pytest.mark.parametrize("period", ["7d", "30d"])
def test_a_long_period_waits_for_its_button(
    site: SimpleNamespace, drawn: dict[str, str], period: str
) -> None:
    app = page(lock="ledger", period=period)
    assert site.checks.started == []
    assert drawn["proof-verdict"].startswith("Not checked yet.")
    assert labels(app) == ["Check"]
    app.button(key="proof-check").click().run()
    assert [asked.lock for asked in site.checks.started] == ["ledger"]
    assert labels(app) == ["Stop"]


def test_a_result_is_shown_with_its_downloads_and_nothing_is_read_again(
    site: SimpleNamespace, drawn: dict[str, str]
) -> None:
    site.checks.ended = done(eventful())
    app = page(lock="ledger")
    assert site.checks.started == []
    assert drawn["proof-verdict"].startswith("No two runs overlapped ledger")
    assert drawn["proof-numbers"].startswith("Runs 7")
    assert drawn["proof-picture-title"].startswith("All 7 runs: no two bars share a moment")
    assert "Each job's events are numbered" in drawn["proof-rules"]
    assert "turnstile verify" in drawn["proof-others"]
    assert "proof-violations" not in drawn
    assert labels(app) == ["Check again"]
    assert [button.label for button in app.get("download_button")] == ["JSON", "Page for others"]


def test_check_again_reads_again(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    site.checks.ended = done(eventful())
    app = page(lock="ledger")
    app.button(key="proof-check").click().run()
    assert [asked.lock for asked in site.checks.started] == ["ledger"]
    assert "Checking" in drawn["proof-verdict"]


def test_an_overlap_is_on_the_page(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    site.checks.ended = done(overlapping())
    page(lock="books")
    assert drawn["proof-verdict"].startswith("Two runs overlapped books")
    assert drawn["proof-violations"].startswith("1 violation")


@pytest.mark.parametrize(
    ("state", "message", "sentence"),
    [
        (State.NOTHING, "there is no job", "Nothing to check No job of this lock was active in this period."),
        (State.NOTHING, "the lock ledger has no history", "Nothing to check The lock ledger has no history."),
        (State.NOTHING, "there are no tables", "Nothing to check There are no tables."),
        (State.STOPPED, "the check was stopped", "The check was stopped. It says nothing about this lock."),
        (
            State.FAILED,
            "the storage does not answer: x",
            "Not checked: the storage does not answer: x.",
        ),
    ],
)
def test_what_has_no_result_says_why(
    site: SimpleNamespace, drawn: dict[str, str], state: State, message: str, sentence: str
) -> None:
    site.checks.ended = Check(Asked("ledger"), state, READ_AT, ended_at=READ_AT, message=message)
    app = page(lock="ledger")
    assert drawn["proof-verdict"].startswith(sentence)
    assert labels(app) == ["Check again"]
    assert not app.get("download_button")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"lock": "a\x07b"}, "No lock can have this name: "),
        ({"lock": "x" * (MAX_LENGTH + 1)}, "No lock can have this name: "),
        ({"lock": "   "}, "No lock can have this name: a lock name must not be empty."),
        ({"lock": "books", "period": "between", "since": "soon"}, "The address has a time that cannot be"),
        ({"lock": "books", "period": "between"}, "The period has no beginning: choose one."),
        (
            {"lock": "books", "period": "between", "since": "2026-11-28", "until": "2026-11-27"},
            "The period ends before it begins: choose a later end.",
        ),
    ],
)
def test_an_address_that_names_nothing_is_explained(
    site: SimpleNamespace, drawn: dict[str, str], query: dict[str, str], sentence: str
) -> None:
    app = page(**query)
    assert drawn["proof-verdict"].startswith(sentence)
    assert site.checks.started == []
    assert labels(app) == []


@pytest.mark.parametrize("lock", ["<b>odd</b>/lock?a=1&b=%2F#c", "--lock", "Büro ✓", "**b** :red[x]"])
def test_a_lock_that_nobody_knows_is_checked_all_the_same(
    site: SimpleNamespace, drawn: dict[str, str], lock: str
) -> None:
    app = page(lock=lock)
    assert [asked.lock for asked in site.checks.started] == [lock]
    assert app.selectbox(key="proof-lock").value == lock


def test_choices_are_in_the_address(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    app = page(lock="books", period="7d")
    app.selectbox(key="proof-lock").set_value("ledger").run()
    assert app.query_params["lock"] == "ledger"
    assert app.query_params["period"] == "7d"
    app.button_group(key="proof-period").set_value("between").run()
    assert app.query_params["period"] == "between"
    assert not app.exception
    since, until = app.query_params["since"], app.query_params["until"]
    assert datetime.fromisoformat(until) - datetime.fromisoformat(since) == timedelta(hours=24)
    app.button_group(key="proof-period").set_value("24h").run()
    assert {"period", "since", "until"}.isdisjoint(app.query_params)


def test_without_storage_the_page_stands(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    site.reader.is_away = True
    app = page()
    assert drawn["proof-verdict"] == "No lock was used yet."
    assert app.selectbox(key="proof-lock").options == []
    site.checks.ended = done(eventful())
    page(lock="ledger")
    assert drawn["proof-verdict"].startswith("No two runs overlapped")


def test_names_of_locks_are_not_read_with_every_click(site: SimpleNamespace, drawn: dict[str, str]) -> None:
    app = page(lock="books", period="7d")
    app.button_group(key="proof-period").set_value("30d").run()
    app.button_group(key="proof-period").set_value("7d").run()
    assert site.reader.reads == 1
