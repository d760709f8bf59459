"""The command: its exit codes, and what it shows."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.authored import Author, effect, eventful, job_id
from tests.unit.verification.records import Records
from typer.testing import CliRunner, Result

from azure_storage.calls import refusal
from azure_storage.read_models.tables import Tables
from command_line.main import app
from proof import reading

NOWHERE = (
    "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;"
    "BlobEndpoint=http://127.0.0.1:9/a;TableEndpoint=http://127.0.0.1:9/a;"
)


@pytest.fixture(autouse=True)
def _storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)
    monkeypatch.setenv("COLUMNS", "160")


def verify(*words: str) -> Result:
    return CliRunner().invoke(app, ["verify", "--patience", "0", *words])


def verify_records(monkeypatch: pytest.MonkeyPatch, records: Records, *words: str) -> Result:
    def evidence(*_: Any) -> Records:
        return records

    monkeypatch.setattr(reading, "StorageEvidence", evidence)
    return verify(*words)


def overlapping(lock: str) -> Author:
    author = Author(lock)
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.start(other, "w2")
    author.end(one)
    author.end(other)
    return author


def test_what_holds_ends_with_0_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = verify_records(monkeypatch, Records(eventful()))
    assert shown.exit_code == 0, shown.output
    assert (
        "All checks passed. Locks: 1, jobs: 5, not finished: 0, runs: 7, interruptions: 3, events: 31."
        in shown.output
    )
    assert shown.output.count("✓") == 7


def test_what_does_not_hold_ends_with_1_and_names_lock_job_and_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = verify_records(monkeypatch, Records(overlapping("books")))
    assert shown.exit_code == 1
    assert "Checks failed: " in shown.output
    assert f"lock books, job {job_id(1)}, fence 1" in shown.output
    assert [line[:5] for line in shown.output.splitlines() if line.startswith("✗")] == ["✗  I2", "✗ I2 "]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "there is no job; check TURNSTILE_STORAGE_NAMESPACE"),
        (["--since", "2100-01-01"], "there is no job; check --since, TURNSTILE_STORAGE_NAMESPACE"),
        (["--lock", "ledgr"], "the lock ledgr has no history; check --lock, TURNSTILE_STORAGE_NAMESPACE"),
        (["--lock", "ledger", "--lock", "ledgr"], "the lock ledgr has no history"),
    ],
)
def test_nothing_is_not_called_proof(
    monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    shown = verify_records(monkeypatch, Records(*([eventful()] if words else [])), "--json", *words)
    assert shown.exit_code == 2
    assert f"nothing to check: {sentence}" in shown.stderr
    assert shown.stdout == "", "programs find no document that says it holds"


@pytest.mark.parametrize(("answer", "code"), [("TableNotFound", 2), ("TableBeingDeleted", 5)])
def test_tables_that_are_not_there_are_no_outage(
    monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    async def every(*_: Any) -> AsyncIterator[Any]:
        raise refusal(404, answer, "no such table")
        yield

    monkeypatch.setattr(Tables, "every", every)
    shown = verify()
    assert shown.exit_code == code
    assert ("nothing to check: there are no tables; check TURNSTILE_STORAGE_NAMESPACE" in shown.stderr) is (
        code == 2
    )


def test_what_is_wrong_is_said_even_where_there_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(eventful())
    records.partitions.clear()
    shown = verify_records(monkeypatch, records)
    assert shown.exit_code == 1
    assert "which the journal does not have" in shown.output


def test_what_was_looked_at_in_part_is_not_called_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    verdict = json.loads(verify_records(monkeypatch, Records(eventful()), "--json").stdout)
    assert verdict["unchecked"]["I3"].startswith("partly: only jobs that were found")
    assert verdict["unchecked"]["I10"].startswith("partly: only what was recorded")
    author = Author()
    job = author.submit()
    author.start(job)
    ids, ledger, empty = (tmp_path / name for name in ("ids", "ledger", "empty"))
    ids.write_text(f"{job}\n")
    ledger.write_text(effect(author, job, "one"))
    empty.write_text("")
    author.end(job)
    words = ("--json", "--accepted", str(ids), "--sink")
    verdict = json.loads(verify_records(monkeypatch, Records(author), *words, str(ledger)).stdout)
    assert verdict["unchecked"].keys() == {"I6", "I11"}
    assert verdict["counts"]["accepted"] == 1
    verdict = json.loads(verify_records(monkeypatch, Records(author), *words, str(empty)).stdout)
    assert verdict["unchecked"]["I4"] == "the effect sink's ledger has no effect of these jobs"


def test_json_is_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = verify_records(monkeypatch, Records(overlapping("books")), "--json")
    verdict = json.loads(shown.stdout)
    assert (verdict["holds"], verdict["found"]) == (False, {"I2": 1})
    assert verdict["violations"][0].keys() == {"invariant", "lock", "job_id", "fence", "message"}
    assert verdict["seconds"]["take_over"].keys() == {"runner_died", "worker_stopped", "worker_lost"}
    assert verdict["seconds"]["in_line"].keys() == {"p50", "p95", "p99", "max", "count"}
    assert verdict["period"] == {"since": None, "until": None}


def test_the_page_needs_nothing_from_elsewhere_and_no_lock_name_breaks_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "verdict.html"
    lock = "</script><img src=x onerror=alert(1)>&amp;"
    assert verify_records(monkeypatch, Records(overlapping(lock)), "--html", str(page)).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert lock not in text
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert data is not None
    shown = json.loads(data[1])
    assert [run["lock"] for run in shown["runs"]] == [lock, lock]
    assert [run["fence"] for run in shown["runs"]] == [1, 2]
    elsewhere = re.findall(r'(?:src|href)="|https?://[^"]*', text)
    assert elsewhere == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--since", "yesterday"],
            "--since: 'yesterday' is not a timestamp; write it like 2026-11-21T08:00Z",
        ),
        (["--until", "0001-01-01T00:00+14:00"], "--until: '0001-01-01T00:00+14:00' is not a timestamp"),
        (["--tolerance", "nan"], "'nan' is not a number of seconds"),
        (["--patience", "inf"], "'inf' is not a number of seconds"),
        (
            ["--take-over-within", "runner_died=nan"],
            "--take-over-within: 'nan' is not a number of seconds: write a number, 0 or more",
        ),
        (
            ["--take-over-within", "runner_died=-1"],
            "--take-over-within: '-1' is not a number of seconds: write a number, 0 or more",
        ),
        (
            ["--take-over-within", "runner_died=soon"],
            "--take-over-within: 'soon' is not a number of seconds: write a number, 0 or more",
        ),
        (["--lock", "  "], "a lock name must not be empty"),
        (["--take-over-within", "rain=3"], "--take-over-within: 'rain=3' is not CAUSE=SECONDS"),
        (["--sink", "/nowhere/ledger"], "No such file"),
        (["--accepted", "/nowhere/ids"], "No such file"),
        (["--html", "/nowhere/page.html"], "No such file"),
    ],
)
def test_what_cannot_be_done_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    shown = verify_records(monkeypatch, Records(eventful()), *words)
    assert shown.exit_code == 2
    assert sentence in shown.output


def test_missing_settings_end_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TURNSTILE_STORAGE_CONNECTION_STRING")
    shown = verify()
    assert shown.exit_code == 2
    assert "TURNSTILE_STORAGE_CONNECTION_STRING: not set" in shown.output
    assert "or run `make verify`, which has the settings of the stack of this folder" in shown.output


def test_an_incomplete_connection_string_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", "AccountName=a")
    shown = verify()
    assert shown.exit_code == 2
    assert "AccountKey" in shown.output


def test_an_unreachable_storage_ends_with_5() -> None:
    shown = verify("--json")
    assert shown.exit_code == 5
    assert "the storage does not answer" in shown.stderr
    assert shown.stdout == ""
