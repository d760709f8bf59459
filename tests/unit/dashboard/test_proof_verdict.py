"""What the Proof page says of a check: verdict, numbers, rules, violations."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.dashboard.proofs import READ_AT, having, overlapping, report_on, words
from tests.unit.verification.authored import BEGINNING, Author, eventful, job_id

from dashboard.proof.period import Period
from dashboard.proof.report import Report
from dashboard.proof.rules import rules_card
from dashboard.proof.tiles import number_tiles
from dashboard.proof.verdict import headline, rules_in_short, verdict_box, violations_card
from verification import MEANINGS, Invariant

SINCE = READ_AT - timedelta(hours=24)


def tiles(report: Report) -> dict[str, str]:
    """Return value and note of each number by its name."""
    names = [text for _, text in having(number_tiles(report), "span.name")]
    whole = [text for _, text in having(number_tiles(report), "div.tile")]
    return {name: text.removeprefix(f"{name} ") for name, text in zip(names, whole, strict=True)}


async def test_a_history_that_holds_is_green() -> None:
    report = await report_on(eventful(), SINCE)
    box = verdict_box(report, Period())
    assert box[0] == "div.alert.verdict.green"
    assert words(box).startswith("No two runs overlapped ledger , the 24 hours until")
    assert "took 400 ms" in words(box)
    assert rules_in_short(report) == (
        "All 7 rules that could be checked in full held; 2 held as far as they could be checked; "
        "for 4 there was nothing to check against."
    )
    assert violations_card(report) is None


async def test_the_six_numbers() -> None:
    assert tiles(await report_on(eventful(), SINCE)) == {
        "Runs": "7 of 5 jobs, by 3 workers",
        "Overlaps": "0 of 6 neighbours compared",
        "Fences": "1 → 7 rising, each used once",
        "Shortest gap between two runs": "100 ms fence 2 → 3",
        "Events": "31 of 31 numbered without gaps",
        "Hash chains": "5 intact of 5 jobs",
    }


async def test_runs_that_overlapped_are_red_and_the_first_is_named_with_a_link() -> None:
    report = await report_on(overlapping(), SINCE)
    box = verdict_box(report, Period())
    assert box[0] == "div.alert.verdict.red"
    assert words(box).startswith("Two runs overlapped books , the 24 hours until")
    assert "First found (I2):" in words(box)
    ((attributes, text),) = having(box, "a")
    assert attributes == {"go": "job", "q": {"id": job_id(1)}}
    assert f"the run of job {job_id(1)} with fence 1 had not ended" in text or "wrote" in text
    assert rules_in_short(report).startswith("1 rule of 9 did not hold; ")
    shown = tiles(report)
    assert shown["Overlaps"] == "1 of 1 neighbour compared"
    assert shown["Fences"] == "1 → 2 see rule I2"
    assert shown["Shortest gap between two runs"].startswith("overlap of 100 ms")


async def test_many_overlaps_are_counted() -> None:
    author = Author()
    jobs = [author.submit() for _ in range(4)]
    for job in jobs:
        author.start(job)
    for job in jobs:
        author.end(job)
    assert headline(await report_on(author, SINCE)).text == "Runs overlapped 3 times"


async def test_a_broken_rule_is_not_called_an_overlap() -> None:
    author = eventful()
    author.event(next(iter(author.jobs)), 2)["actor"] = "altered"
    report = await report_on(author, SINCE)
    said = headline(report)
    assert (said.hue, said.text) == ("red", "No two runs overlapped, but a rule was broken")
    assert tiles(report)["Hash chains"] == "4 intact of 5 jobs"
    card = violations_card(report)
    assert words(card).startswith("1 violation ")
    assert [text[:2] for _, text in having(card, "tr.wrong")] == ["I1"]


async def test_missing_events_are_counted() -> None:
    author = eventful()
    del author.rows[f"event|{next(iter(author.jobs))}|000003"]
    assert tiles(await report_on(author, SINCE))["Events"] == "30 of 31 1 missing"


async def test_many_violations_are_listed_in_part() -> None:
    author = Author()
    jobs = [author.submit() for _ in range(60)]
    for job in jobs:
        author.start(job)
        author.end(job)
        author.event(job, 2)["actor"] = "altered"
    report = await report_on(author, SINCE)
    found = sum(report.document["found"].values())
    assert found > 50
    card = violations_card(report)
    assert len(having(card, "tr.wrong")) == 50
    assert f"{found - 50} more; the JSON lists" in words(card)


async def test_a_single_run_has_no_neighbour() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job)
    shown = tiles(await report_on(author))
    assert shown["Shortest gap between two runs"] == "none no two runs to compare"
    assert shown["Runs"] == "1 of 1 job, by 1 worker"


async def test_runs_that_follow_in_one_transaction_have_no_gap() -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    author.end(first, chain=second)
    author.end(second)
    shown = tiles(await report_on(author))
    assert shown["Shortest gap between two runs"] == "none each began as the one before ended"


async def test_a_job_that_only_waits_has_no_fence() -> None:
    author = Author()
    author.submit()
    shown = tiles(await report_on(author))
    assert shown["Fences"] == "none no run in this period"


async def test_rules_have_their_sentences_results_and_reasons() -> None:
    card = rules_card(await report_on(eventful(), SINCE))
    rows = [text for _, text in having(card, "tr")][1:]
    assert len(rows) == len(Invariant)
    results = {
        "I1": "holds 31 events of 5 jobs",
        "I2": "holds 7 fences, by the storage's own times",
        "I3": "holds in part 5 ended, 0 not yet; only jobs that were found, as no accepted ids were given",
        "I4": "not checked no ledger of an effect sink was given",
        "I5": "not checked no ledger of an effect sink was given",
        "I6": "not checked turnstile verify does not read RabbitMQ",
        "I7": "holds 31 events, from both",
        "I8": "holds 3 interruptions",
        "I9": "holds 0 unfinished jobs, 0 in line",
        "I10": "holds in part 4 recorded steps; only what was recorded, "
        "as no ledger of an effect sink was given",
        "I11": "not checked 3 take-overs, the longest 20 s; no limit was given",
        "I12": "holds 5 ended, 0 not yet",
        "I13": "holds 0 removed jobs",
    }
    assert rows == [f"{name} {MEANINGS[Invariant(name)]} {text}" for name, text in results.items()]
    assert not having(card, "tr.wrong")


async def test_a_broken_rule_is_marked_and_counted() -> None:
    card = rules_card(await report_on(overlapping(), SINCE))
    ((_, text),) = having(card, "tr.wrong")
    assert text.endswith("broken 1 found; 2 fences, by the storage's own times")


@pytest.mark.parametrize(
    ("period", "start"),
    [
        (Period("7d"), "the 7 days until"),
        (Period("between", BEGINNING, READ_AT), "from"),
    ],
)
async def test_the_period_is_named(period: Any, start: str) -> None:
    report = await report_on(eventful(), BEGINNING)
    assert f"ledger , {start}" in words(verdict_box(report, period))
    moments = having(verdict_box(report, period), "span")
    assert READ_AT.timestamp() * 1000 in [attributes.get("at") for attributes, _ in moments]
