"""What the command prints for a reader, and its JSON: each number where it belongs."""

import json
from typing import Any

import pytest
from tests.unit.verification.answering import Asked, call, verdict
from tests.unit.verification.authored import BEGINNING
from tests.unit.verification.test_command import NOWHERE

from verification import MEANINGS, Gap, Invariant, Numbers, Percentiles, Violation

COUNTS = {
    "locks": 1,
    "jobs": 2,
    "unfinished": 3,
    "runs": 4,
    "interruptions": 5,
    "events": 6,
    "effects_accepted": 7,
    "effects_refused": 8,
    "accepted": 9,
}

NUMBERS = Numbers(
    neighbours=11,
    overlaps=12,
    in_one_transaction=13,
    fences=(14, 15),
    shortest_gap=Gap(0.0018, "books", 16, 17),
    chains=18,
    chains_intact=19,
    events_expected=20,
    workers=21,
    steps=22,
    waiting=23,
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what the command prints of a verdict, and check its exit code."""
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)

    def show(*words: str, **values: Any) -> str:
        told = verdict(**values)
        Asked(monkeypatch, told)
        printed = call(*words)
        assert printed.exit_code == (0 if told.holds else 1)
        return printed.stdout

    return show


def test_the_summary_gives_each_count_its_name(shown: Any) -> None:
    text = shown(counts=COUNTS, outcomes={"Completed": 10, "Failed": 11})
    assert (
        "All checks passed. Locks: 1, jobs: 2, not finished: 3, runs: 4, interruptions: 5, events: 6. "
        "Effects outside: 7 accepted, 8 refused.\n"
        "Neighbouring runs compared: 0, overlaps: 0, hash chains intact: 0 of 0, events: 6 of 0.\n"
        "Completed 10, Failed 11\n" in text
    )


def test_the_summary_says_what_was_compared(shown: Any) -> None:
    text = shown(counts=COUNTS, numbers=NUMBERS)
    assert (
        "Neighbouring runs compared: 11, overlaps: 12, fences: 14 to 15, "
        "shortest gap between two runs: 1.8 ms (fences 16 and 17), "
        "hash chains intact: 19 of 18, events: 6 of 20.\n" in text
    )


@pytest.mark.parametrize(
    ("counts", "is_told"),
    [({}, False), ({"effects_accepted": 1}, True), ({"effects_refused": 1}, True)],
)
def test_effects_are_told_if_there_are_any(shown: Any, counts: dict[str, int], is_told: bool) -> None:
    assert ("Effects outside" in shown(counts=counts)) is is_told


def marks(text: str) -> dict[str, tuple[str, str]]:
    """Return the mark and the last column of each invariant."""
    found = {}
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        number = rest.split()[0] if rest.split() else ""
        if number in set(Invariant) and MEANINGS[Invariant(number)] in line:
            found[number] = mark, line.partition(MEANINGS[Invariant(number)])[2].strip()
    return found


def test_each_invariant_is_marked_found_unchecked_or_kept(shown: Any) -> None:
    text = shown(
        found={Invariant.EVENTS: 12, Invariant.STEPS_ONCE: 1},
        unchecked={Invariant.QUEUES: "not looked at", Invariant.STEPS_ONCE: "partly"},
        violations=[Violation(Invariant.EVENTS, "broken")],
    )
    assert "Checks failed: " in text
    assert marks(text) == {
        "I1": ("✗", "12"),
        "I2": ("✓", ""),
        "I3": ("✓", ""),
        "I4": ("✓", ""),
        "I5": ("✓", ""),
        "I6": ("-", "not looked at"),
        "I7": ("✓", ""),
        "I8": ("✓", ""),
        "I9": ("✓", ""),
        "I10": ("✗", "1"),
        "I11": ("✓", ""),
        "I12": ("✓", ""),
        "I13": ("✓", ""),
        "I14": ("✓", ""),
    }


@pytest.mark.parametrize(("count", "more"), [(5, None), (6, "I2: 1 more"), (2000, "I2: 1995 more")])
def test_five_violations_of_each_invariant_are_printed_and_the_number_of_others(
    shown: Any, count: int, more: str | None
) -> None:
    violations = [
        Violation(Invariant.EXCLUSION, f"overlap {number}.", "books", f"job-{number}", number)
        for number in range(min(count, 1000))
    ]
    violations.append(Violation(Invariant.STEPS_ONCE, "again"))
    text = shown(violations=violations, found={Invariant.EXCLUSION: count, Invariant.STEPS_ONCE: 1})
    for number in range(5):
        assert f"✗ I2  overlap {number}.\n    lock books, job job-{number}, fence {number}\n" in text
    assert "overlap 5." not in text
    assert "✗ I10  again" in text
    assert (f"{more}; --json lists up to 1000" in text) if more else ("more;" not in text)


def test_times_are_told_of_what_was_measured(shown: Any) -> None:
    text = shown(
        in_line=Percentiles(0.1, 0.2, 0.3, 0.4, 1),
        take_over={
            "runner_died": Percentiles(),
            "worker_stopped": Percentiles(1.0, 2.0, 3.0, 4.0005, 7),
            "worker_lost": Percentiles(),
        },
    )
    lines = [line.split() for line in text.splitlines()]
    assert ["seconds", "p50", "p95", "p99", "max", "count"] in lines
    assert ["in", "line", "0.100", "0.200", "0.300", "0.400", "1"] in lines
    assert ["take-over,", "worker", "stopped", "1.000", "2.000", "3.000", "4.000", "7"] in lines
    assert "between runs" not in text
    assert "runner died" not in text


@pytest.mark.parametrize(("seconds", "is_told"), [(0.0, False), (1.0, False), (1.06, True)])
def test_clocks_that_contradict_by_more_than_a_second_are_told(
    shown: Any, seconds: float, is_told: bool
) -> None:
    sentence = "The workers' clocks contradict the order of transactions by 1.1 s."
    assert (sentence in shown(clocks_apart=seconds)) is is_told


def test_control_characters_of_a_name_do_not_reach_the_terminal(shown: Any) -> None:
    text = shown(
        violations=[Violation(Invariant.EVENTS, "bad \x1b[2J", "lock\x07", "job")],
        found={Invariant.EVENTS: 1},
    )
    assert "\x1b" not in text
    assert "\x07" not in text


def test_json_has_every_part_under_its_name(shown: Any) -> None:
    times = {
        "in_line": Percentiles(0.1, 0.2, 0.3, 0.4, 1),
        "hand_over": Percentiles(1.1, 1.2, 1.3, 1.4, 2),
        "take_over": {
            "runner_died": Percentiles(2.1, 2.2, 2.3, 2.4, 3),
            "worker_stopped": Percentiles(3.1, 3.2, 3.3, 3.4, 4),
            "worker_lost": Percentiles(4.1, 4.2, 4.3, 4.45678, 5),
        },
    }
    violations = [
        Violation(Invariant.EVENTS, "one", "books", "job-1", 3),
        Violation(Invariant.TRAIL, "two"),
    ]
    text = shown(
        "--json",
        counts=COUNTS,
        since=BEGINNING,
        until=BEGINNING.replace(hour=9),
        outcomes={"Completed": 10},
        violations=violations,
        found={Invariant.TRAIL: 4, Invariant.EVENTS: 1000},
        unchecked={Invariant.QUEUES: "why", Invariant.STEPS_ONCE: "partly: a bit"},
        clocks_apart=1.23456,
        numbers=NUMBERS,
        **times,
    )
    assert json.loads(text) == {
        "holds": False,
        "period": {"since": "2026-11-21T08:00:00.000000Z", "until": "2026-11-21T09:00:00.000000Z"},
        "counts": COUNTS,
        "outcomes": {"Completed": 10},
        "removals": [],
        "numbers": {
            "neighbours_compared": 11,
            "overlaps": 12,
            "in_one_transaction": 13,
            "fences": {"first": 14, "last": 15},
            "shortest_gap": {"seconds": 0.0018, "lock": "books", "earlier": 16, "later": 17},
            "chains_checked": 18,
            "chains_intact": 19,
            "events_expected": 20,
            "workers": 21,
            "steps": 22,
            "waiting": 23,
        },
        "results": {
            "I1": "broken",
            "I2": "holds",
            "I3": "holds",
            "I4": "holds",
            "I5": "holds",
            "I6": "not_checked",
            "I7": "broken",
            "I8": "holds",
            "I9": "holds",
            "I10": "holds_partly",
            "I11": "holds",
            "I12": "holds",
            "I13": "holds",
            "I14": "holds",
        },
        "found": {"I1": 1000, "I7": 4},
        "unchecked": {"I6": "why", "I10": "partly: a bit"},
        "violations": [
            {"invariant": "I1", "lock": "books", "job_id": "job-1", "fence": 3, "message": "one"},
            {"invariant": "I7", "lock": None, "job_id": None, "fence": None, "message": "two"},
        ],
        "seconds": {
            "in_line": {"p50": 0.1, "p95": 0.2, "p99": 0.3, "max": 0.4, "count": 1},
            "hand_over": {"p50": 1.1, "p95": 1.2, "p99": 1.3, "max": 1.4, "count": 2},
            "take_over": {
                "runner_died": {"p50": 2.1, "p95": 2.2, "p99": 2.3, "max": 2.4, "count": 3},
                "worker_stopped": {"p50": 3.1, "p95": 3.2, "p99": 3.3, "max": 3.4, "count": 4},
                "worker_lost": {"p50": 4.1, "p95": 4.2, "p99": 4.3, "max": 4.457, "count": 5},
            },
        },
        "clocks_apart_seconds": 1.235,
    }
