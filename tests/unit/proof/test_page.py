"""The page for others, and the report: the same from the verdict and from what a process handed over."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from tests.unit.verification.answering import Asked, call
from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.records import Records
from tests.unit.verification.test_command import NOWHERE

from proof import page_text, report_text, result_document, write_page
from verification import BLIND_SPOTS, MEANINGS


async def test_the_page_of_a_handed_over_result_is_the_page_of_the_verdict(tmp_path: Path) -> None:
    verdict = await verdict_on(Records(eventful("</script>&amp;")))
    write_page(tmp_path / "page.html", verdict)
    handed_over = json.loads(json.dumps(result_document(verdict)))
    assert page_text(handed_over) == (tmp_path / "page.html").read_text(encoding="utf-8")


async def test_the_page_holds_all_that_it_says() -> None:
    verdict = await verdict_on(Records(eventful("</script>&amp;")))
    text = page_text(result_document(verdict))
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["verdict"] == verdict.document()
    assert data["blind_spots"] == list(BLIND_SPOTS)
    assert data["meanings"] == {invariant.value: meaning for invariant, meaning in MEANINGS.items()}
    assert [run["fence"] for run in data["runs"]] == [1, 2, 3, 4, 5, 6, 7]
    taken = [
        (each["lost_worker"], each["worker"], each["cause"], each["fence"]) for each in data["take_overs"]
    ]
    assert taken == [
        ("w1", "w2", "runner_died", 3),
        ("w2", "w3", "worker_lost", 4),
        ("w2", "w1", "worker_stopped", 7),
    ]
    assert "{{" not in text
    assert report_text(verdict.document()).count("take_overs") == 0, "the fingerprint is that of the verdict"


def test_the_report_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = asyncio.run(verdict_on(Records(eventful("Büro ✓"))))
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)
    Asked(monkeypatch, verdict)
    assert report_text(verdict.document()) == call("--json").stdout
