"""The limit of a lock: its audit trail, and the dialog that sets it."""

# ruff: noqa: PLC0415

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from streamlit.testing.v1 import AppTest
from tests.unit.dashboard.shown import find, text
from tests.unit.dashboard.submit_site import Submitting

from coordination.journal.limits import LimitRecord, read_records
from coordination.journal.rows import LockRow
from dashboard.board.snapshot import LockState, SlotState
from dashboard.parts.limits_card import chain_broken_at, limits_card
from dashboard.publisher_api import RefusedError
from dashboard.site import use_site
from dashboard.views.limit_dialog import consequences

ODD = "<b>odd</b>/lock?a=1&b=%2F#c.."


def run_dialog() -> None:
    """Run what the dialog shows."""
    from coordination.journal.rows import LockRow
    from dashboard.board.snapshot import LockState
    from dashboard.site import current_site
    from dashboard.views import limit_dialog

    limit_dialog.ask(current_site(), LockState("ledger", LockRow("ledger", limit=2, limit_number=1)))


@pytest.fixture
def site() -> Iterator[Submitting]:
    made = Submitting()
    use_site(made.site)
    yield made
    use_site(None)


def records(site: Submitting, lock: str = "ledger") -> list[LimitRecord]:
    return asyncio.run(read_records(site.journal, lock))


def test_the_trail_says_who_set_which_limit_and_whether_its_chain_is_intact(site: Submitting) -> None:
    assert limits_card([]) is None
    site.api.set_limit("ledger", 3, "ann", "three at a time")
    site.api.set_limit("ledger", 1, "bob")
    found = records(site)
    card = limits_card(found)
    told = text(card)  # type: ignore[arg-type]
    assert "chain intact" in told
    assert [text(row) for row in find(card, "b")][:2] == ["3 \u2192 1", "bob"]
    assert "by ann : three at a time" in told
    assert chain_broken_at(found) is None
    assert chain_broken_at([found[0], replace(found[1], reason="other")]) == 2
    assert chain_broken_at(found[1:]) == 2
    assert chain_broken_at([found[0], replace(found[1], previous_hash="")]) == 2
    assert "chain broken at 2" in text(limits_card([found[0], replace(found[1], limit=9)]) or "")


def test_of_many_changes_the_latest_are_listed(site: Submitting) -> None:
    for number in range(12):
        site.api.set_limit("ledger", 2 + number % 2, "ann")
    card = limits_card(records(site))
    assert len(find(card, "li")) == 10
    assert "and 2 earlier ones" in text(card)  # type: ignore[arg-type]


def test_a_lock_of_any_name_is_limited_and_a_wrong_limit_is_refused(site: Submitting) -> None:
    assert site.api.set_limit(ODD, 3, "ann").limit == 3
    assert records(site, ODD)[0].actor == "ann"
    with pytest.raises(RefusedError):
        site.api.set_limit(ODD, 65, "ann")


def test_the_dialog_says_what_happens() -> None:
    state = LockState("ledger", LockRow("ledger", job_id="a", limit=2))
    state = replace(state, others=(SlotState(1, LockRow("ledger", job_id="b")),))
    assert "Nothing changes." in text(consequences(state, 2))
    assert "handlers must be made for that" in text(consequences(state, 3))
    assert "1 job in slots above the limit runs on; no other is started there." in text(
        consequences(state, 1)
    )
    assert "No job is ended" in text(consequences(replace(state, others=()), 1))


def test_a_limit_is_set_with_a_reason_and_the_lock_is_read_again(site: Submitting) -> None:
    again: list[str] = []
    shown = cast("SimpleNamespace", site.site)
    shown.board.reread = again.append
    shown.lock_reader = SimpleNamespace(forget=again.append)
    app = AppTest.from_function(run_dialog, default_timeout=30).run()
    assert app.button("lock-limit-yes").disabled
    app.number_input("lock-limit-number").set_value(4)
    app.text_input("lock-limit-reason").set_value(" four at a time ")
    app.run()
    app.button("lock-limit-yes").click().run()
    assert not app.exception
    (record,) = records(site)
    assert (record.limit, record.actor, record.reason) == (4, "ann", "four at a time")
    assert again == ["ledger", "ledger"]
