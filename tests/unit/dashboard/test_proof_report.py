"""What others get of a check: the files, the fingerprint, the command; and the picture of the runs."""

import hashlib
import json
import shlex
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.dashboard.proofs import READ_AT, having, overlapping, report_on, words
from tests.unit.verification.authored import BEGINNING, Author, eventful

from dashboard.charts import RunState
from dashboard.palette import LIGHT
from dashboard.proof.others import others_cards
from dashboard.proof.picture import run_picture
from dashboard.proof.progress import progress_box
from dashboard.proof.report import Report
from dashboard.proof.take_overs import take_overs_list
from proof import Asked, Check, State
from verification import BLIND_SPOTS, Phase, Progress

SINCE = READ_AT - timedelta(hours=24)

#: Names that break file names, shells and pages.
_ODD = ["../../etc/passwd", "<script>alert(1)</script>", "--html=x", "a b; rm -rf *", "Büro ✓", "-" * 200]


@pytest.mark.parametrize("lock", _ODD)
async def test_odd_names_break_neither_file_names_nor_commands_nor_pages(lock: str) -> None:
    report = await report_on(eventful(lock), SINCE)
    name = report.file_name("json")
    assert name.startswith("turnstile-proof-")
    assert name.endswith("-2026-11-21T0801Z.json")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.TZ")
    words_of = shlex.split(report.command)
    assert words_of[:3] == ["turnstile", "verify", f"--lock={lock}"]
    assert words_of[-2:] == ["--html", "verdict.html"]
    ((_, folded),) = having(others_cards(report), "pre.command")
    assert shlex.split(folded.replace("\\\n", "")) == words_of
    assert lock not in report.page() or "<" not in lock
    assert json.loads(report.text)["numbers"]["fences"] == {"first": 1, "last": 7}


async def test_the_fingerprint_is_that_of_the_file() -> None:
    report = await report_on(eventful(), SINCE)
    assert report.fingerprint == hashlib.sha256(report.text.encode()).hexdigest()
    cards = others_cards(report)
    assert report.fingerprint in [attributes.get("title") for attributes, _ in having(cards, "span.id")]
    assert report.fingerprint in [attributes.get("copy") for attributes, _ in having(cards, "button.copy")]


async def test_what_no_check_can_see_is_said_in_full() -> None:
    text = words(others_cards(await report_on(eventful(), SINCE)))
    assert all(each in text for each in BLIND_SPOTS)


# --- the picture --------------------------------------------------------------------


def bars(report: Report) -> list[dict[str, object]]:
    chart = run_picture(report, LIGHT).chart
    values: list[dict[str, object]] = chart["layer"][0]["data"]["values"]
    return values if "fences" in values[0] else chart["layer"][1]["data"]["values"]


async def test_each_run_is_a_bar_in_the_row_of_its_worker() -> None:
    report = await report_on(eventful(), SINCE)
    picture = run_picture(report, LIGHT)
    assert picture.title == "All 7 runs: no two bars share a moment"
    found = [(bar["worker"], bar["fences"], bar["state"]) for bar in bars(report)]
    assert found == [
        ("w1", "1", "completed"),
        ("w1", "2", "interrupted"),
        ("w2", "3", "interrupted"),
        ("w3", "4", "failed"),
        ("w1", "5", "completed"),
        ("w2", "6", "interrupted"),
        ("w1", "7", "completed"),
    ]
    assert set(picture.states) == {RunState.COMPLETED, RunState.INTERRUPTED, RunState.FAILED}


def dashes(report: Report) -> list[list[object]]:
    """Return the ends of each dashed line: the row of the worker that lost the lock, and that of the next."""
    layers = run_picture(report, LIGHT).chart["layer"]
    found: dict[int, list[object]] = {}
    for layer in layers:
        if layer["mark"].get("strokeDash"):
            for value in layer["data"]["values"]:
                found.setdefault(value["number"], []).append(value["worker"])
    return list(found.values())


async def test_a_take_over_is_a_line_between_workers_and_stands_in_words_below() -> None:
    report = await report_on(eventful(), SINCE)
    picture = run_picture(report, LIGHT)
    assert dashes(report) == [["w1", "w2"], ["w2", "w3"], ["w2", "w1"]]
    assert [line.text for line in picture.take_overs] == [
        "runner died, 100 ms",
        "worker lost, at most 20 s",
        "worker stopped, 100 ms",
    ]
    items = [text for _, text in having(take_overs_list(report), "li")]
    assert [text.replace("  ", " ") for text in items] == [
        "Taken over: w2 → w1 worker stopped, 100 ms; fence 6 → 7",
        "Taken over: w2 → w3 worker lost, at most 20 s; fence 3 → 4",
        "Taken over: w1 → w2 runner died, 100 ms; fence 2 → 3",
    ]


async def test_a_history_without_a_take_over_has_no_line_and_no_list() -> None:
    report = await report_on(overlapping(), SINCE)
    assert (dashes(report), take_overs_list(report)) == ([], None)


async def test_only_the_newest_of_many_take_overs_are_listed() -> None:
    report = await report_on(eventful(), SINCE)
    (first, *_) = report.take_overs
    many = [{**first, "fence": fence} for fence in range(1, 1_008)]
    shown = Report(replace(report.check, result={**report.check.result, "take_overs": many}))
    assert len(having(take_overs_list(shown), "li")) == 5
    assert words(take_overs_list(shown)).endswith("and 1,002 more, which the page for others lists")


async def test_a_run_that_broke_a_rule_is_red_and_above_the_others() -> None:
    author = overlapping()
    third = author.submit()
    author.start(third)
    author.end(third)
    report = await report_on(author, SINCE)
    assert [(bar["fences"], bar["state"]) for bar in bars(report)][-1] == ("1", "broken")
    assert run_picture(report, LIGHT).title == "All 3 runs: what broke a rule is red"


async def test_a_run_in_progress_lasts_until_it_was_read() -> None:
    author = Author()
    author.start(author.submit())
    report = await report_on(author, SINCE)
    (bar,) = bars(report)
    assert (bar["state"], bar["ended"]) == ("running", READ_AT.timestamp() * 1000)
    assert run_picture(report, LIGHT).title == "1 run"


def edges(report: Report) -> tuple[float, float]:
    """Return the first and the last moment of the picture, in seconds after the beginning of the history."""
    layers = run_picture(report, LIGHT).chart["layer"]
    (marks,) = [layer["data"]["values"] for layer in layers if set(layer["data"]["values"][0]) == {"at"}]
    first, last = (each["at"] / 1000 - BEGINNING.timestamp() for each in marks)
    return first, last


async def test_the_picture_is_as_wide_as_its_runs() -> None:
    author = Author()
    for _ in range(2):
        job = author.submit()
        author.start(job)
        author.end(job)
        author.pause(3600)
    until = BEGINNING + timedelta(hours=12)
    first, last = edges(await report_on(author, SINCE, until))
    assert first == pytest.approx(0.2 - 72, abs=0.1)
    assert last == pytest.approx(3600.6 + 72, abs=0.1)
    first, last = edges(await report_on(author, BEGINNING + timedelta(hours=1), until))
    assert last - first == pytest.approx(600, abs=0.1), "ten minutes at least"


async def test_runs_that_are_left_out_are_said() -> None:
    report = await report_on(eventful(), SINCE)
    fewer = {**report.check.result, "left_out": 12_000}
    shown = Report(Check(report.asked, State.DONE, READ_AT, ended_at=READ_AT, result=fewer))
    assert run_picture(shown, LIGHT).title == "7 runs of 12,007: the latest ones"


# --- progress -----------------------------------------------------------------------


@pytest.mark.parametrize("phase", set(Phase) - {Phase.ACCEPTED, Phase.LEDGER})
def test_every_part_of_a_check_has_its_words(phase: Phase) -> None:
    check = Check(Asked("books"), State.RUNNING, READ_AT, Progress(phase, 12_500))
    text = words(progress_box(check))
    assert text.startswith("Checking Step ")
    assert " of 8: " in text
    assert ": . " not in text
    assert "12,500 rows read in" in text


def test_a_check_that_waits_says_so() -> None:
    check = Check(Asked("books"), State.WAITING, READ_AT)
    assert words(progress_box(check)) == "Waiting It begins when another check has ended."
