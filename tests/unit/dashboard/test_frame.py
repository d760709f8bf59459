"""What every page says when the storage is away, or when the guarantee was broken."""

from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.unit.dashboard.runs import NOW
from tests.unit.dashboard.shown import find, links, text

from dashboard import frame
from dashboard.board.snapshot import Snapshot, Trouble
from dashboard.jobs_page.parts import sentence as sentence_of_jobs
from dashboard.views import locks, overview, workers
from read_models.documents import Overlap


def test_nothing_is_noted_while_all_is_well() -> None:
    well = Snapshot(read_at=NOW)
    assert frame._trouble(well) is None
    assert frame._overlaps(well) is None


def test_a_storage_that_is_away_is_named_with_the_age_of_what_is_shown() -> None:
    away = Snapshot(read_at=NOW, trouble=Trouble(NOW + timedelta(seconds=3), "503 ServerBusy"))
    note = frame._trouble(away)
    assert note is not None
    assert text(note) == (
        "The storage does not answer, since [ago] . What is shown is from [clock] . Running jobs continue"
        " as long as their workers reach the storage. The dashboard tries again every 5 s. 503 ServerBusy"
    )
    assert find(note, "div.alert.orange")


def test_before_the_first_read_a_storage_that_is_away_leaves_nothing_to_show() -> None:
    note = frame._trouble(Snapshot(trouble=Trouble(NOW, "refused")))
    assert note is not None
    assert "Nothing was read yet." in text(note)


def test_an_overlap_is_noted_in_red_and_leads_to_its_proof() -> None:
    found = Snapshot(read_at=NOW, overlaps=(Overlap("a/b", 1042, "job-1"), Overlap("ledger", 3, None)))
    note = frame._overlaps(found)
    assert note is not None
    assert find(note, "div.alert.red")
    assert text(note) == (
        "Two runs of a/b overlapped. The run with fence 1,042 overlapped another one."
        " 1 more run overlapped, too. What jobs of this lock changed since then may be wrong. See the proof"
    )
    assert links(note) == [("lock", {"lock": "a/b"}), ("proof", {"lock": "a/b"})]


@pytest.mark.parametrize("page", [overview, workers])
def test_before_the_first_read_a_page_claims_nothing(page: ModuleType, monkeypatch: Any) -> None:
    said: list[Any] = []
    monkeypatch.setattr(
        frame, "show_page", lambda site, body: body(Snapshot(trouble=Trouble(NOW, "refused")))
    )
    monkeypatch.setattr(frame, "head", lambda *parts: said.extend(parts))
    monkeypatch.setattr(page, "draw", lambda name, tree: said.append(tree))
    page.show(SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW)))
    assert said[1:] == ["The first numbers are being read."]


def test_before_the_first_read_lists_count_nothing() -> None:
    assert sentence_of_jobs(Snapshot(), NOW) == "Newest first."
    assert locks._sentence(Snapshot(), []) == "The first numbers are being read."
    site: Any = SimpleNamespace()
    assert text(locks._lanes(Snapshot(), [], site)) == ""
    assert "All locks are free." in text(locks._lanes(Snapshot(read_at=NOW), [], site))
