"""Each broken promise, and each threshold, makes a verdict that fails and says what was seen."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from loadtest.asked import Asked
from loadtest.book import Answer
from loadtest.figures import measure
from loadtest.findings import Finding
from loadtest.hand_overs import HandOvers, Histogram
from loadtest.histories import history_of
from loadtest.proof import Proof, Violation
from loadtest.thresholds import Thresholds
from loadtest.verdict import Verdict, exit_code, findings
from loadtest.viewers import Watched
from tests.unit.loadtest.lives import event, life


def judge(evidence, thresholds=None, **more):
    handed_over = HandOvers({"chained": Histogram({0.4: 0, 0.5: 1, math.inf: 1})})
    how = {"hand_overs": handed_over, "submitting_seconds": 1.0, "killed": {}, "storage_calls": {}, **more}
    figures = measure(evidence.book, evidence.ended.values(), **how)
    found = findings(evidence, figures, thresholds or Thresholds())
    return Verdict("contention", "One lock", found, figures.document())


def test_a_run_in_which_everything_held_ends_with_zero(evidence):
    verdict = judge(evidence)
    assert [finding.promised for finding in verdict.findings if not finding.holds] == []
    assert verdict.holds
    assert verdict.exit_code == 0


def lose_a_job(evidence):
    del evidence.ended["two"]
    evidence.effects.accepted.pop("two")


def accept_nothing(evidence):
    evidence.book.entries.clear()
    evidence.ended.clear()
    evidence.effects.accepted.clear()


def end_a_job_twice(evidence):
    more = event("one", 4, "Failed", 2.2, fence=1)
    evidence.ended["one"] = history_of("one", [*life("one", 0, 1, 2, fence=1), more])


def fail_a_job_that_should_not(evidence):
    evidence.ended["one"] = history_of("one", life("one", 0, 1, 2, fence=1, end="Failed"))


def complete_a_job_that_should_fail(evidence):
    evidence.ended["two"] = history_of("two", life("two", 0, 2.5, 3, fence=2))


def answer_with_an_error(evidence):
    evidence.book.entries["one"].answers.append(Answer(500, 0.1))


def refuse_a_repetition_as_different(evidence):
    evidence.book.entries["one"].answers.append(Answer(409, 0.1, same_request=False))


def accept_a_job_twice(evidence):
    evidence.book.entries["one"].answers.append(Answer(202, 0.1))


def leave_a_gap_in_the_events(evidence):
    events = life("one", 0, 1, 2, fence=1)
    events[2]["seq"] = 4
    evidence.ended["one"] = history_of("one", events)


def let_two_runs_overlap(evidence):
    evidence.ended["two"] = history_of("two", life("two", 0, 1.5, 3, fence=2, end="Failed"))


def give_a_fence_twice(evidence):
    evidence.ended["two"] = history_of("two", life("two", 0, 2.5, 3, fence=1, end="Failed"))


def forge_an_effect(evidence):
    evidence.effects.accepted["nobody"] = Counter({"effect 1": 1})


def spoil_the_ledger(evidence):
    evidence.effects.unreadable = 1


def lose_an_effect(evidence):
    del evidence.effects.accepted["one"]


def repeat_an_effect(evidence):
    evidence.effects.accepted["one"]["effect 1"] += 1


def refuse_an_effect_without_an_interruption(evidence):
    evidence.effects.refused["one", 0, 1] += 1


BREAKS = {
    accept_nothing: "jobs were accepted",
    lose_a_job: "every accepted job ends within 60 s",
    end_a_job_twice: "every accepted job has exactly one terminal record",
    fail_a_job_that_should_not: "every job ends as its handler did",
    complete_a_job_that_should_fail: "every job ends as its handler did",
    answer_with_an_error: "every answer is one that was asked for, or unavailable",
    refuse_a_repetition_as_different: "every answer is one that was asked for, or unavailable",
    accept_a_job_twice: "of equal submissions, exactly one is accepted",
    leave_a_gap_in_the_events: "events are complete, from submission to end",
    let_two_runs_overlap: "no two runs overlap, and fences rise",
    give_a_fence_twice: "no two runs overlap, and fences rise",
    forge_an_effect: "the effect sink saw effects of submitted jobs only",
    spoil_the_ledger: "the effect sink saw effects of submitted jobs only",
    lose_an_effect: "every step had its effect exactly once",
    repeat_an_effect: "every step had its effect exactly once",
    refuse_an_effect_without_an_interruption: "stale effects come from cut-off runs only",
}


@pytest.mark.parametrize(
    ("break_it", "promise"), BREAKS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_broken_promise_fails_the_verdict(evidence, break_it, promise):
    break_it(evidence)
    verdict = judge(evidence)
    assert promise in [finding.promised for finding in verdict.findings if not finding.holds]
    assert verdict.exit_code == 1


def test_what_the_checker_finds_fails_the_verdict_and_is_named(evidence):
    found = Violation("I2", "fence 3 was given twice")
    broken = _broken_by(evidence, Proof(holds=False, violations=(found,), counts={"accepted": 2}))
    assert "fence 3 was given twice" in broken.seen


def test_a_checker_that_only_says_no_fails_the_verdict(evidence):
    _broken_by(evidence, Proof(holds=False, counts={"accepted": 2}))


def _broken_by(evidence, proof):
    """Return the one finding that does not hold for this proof."""
    verdict = judge(replace(evidence, proof=proof))
    (broken,) = [finding for finding in verdict.findings if not finding.holds]
    assert broken.promised == "turnstile verify finds no violation"
    assert verdict.exit_code == 1
    return broken


def cut_off(evidence):
    """Let the second job be cut off once, under fence 2, and end under fence 3."""
    evidence.ended["two"] = history_of(
        "two",
        [
            event("two", 1, "Submitted", 0),
            event("two", 2, "Started", 2.5, fence=2, worker="host-1"),
            event("two", 3, "Interrupted", 4, fence=2, worker="host-1"),
            event("two", 4, "Started", 5, fence=3, attempt=2, worker="host-2"),
            event("two", 5, "Failed", 6, fence=3, attempt=2, worker="host-2"),
        ],
    )


def test_cut_off_runs_may_repeat_an_effect_and_have_one_refused(evidence):
    cut_off(evidence)
    evidence.effects.accepted["two"]["effect 1"] += 1
    evidence.effects.refused["two", 0, 2] += 1
    assert judge(replace(evidence, interrupts=True)).holds


@pytest.mark.parametrize("run", [("one", 0, 1), ("two", 0, 3), ("two", 0, 1), ("two", 1, 2)])
def test_an_effect_of_a_run_that_was_not_cut_off_may_not_be_refused(evidence, run):
    cut_off(evidence)
    evidence.effects.refused[run] += 1
    (broken,) = [one for one in judge(replace(evidence, interrupts=True)).findings if not one.holds]
    assert (broken.promised, broken.seen) == (
        "stale effects come from cut-off runs only",
        f"violated by 1: {run[0]} (slot {run[1]}, fence {run[2]})",
    )


def test_harm_that_was_to_be_done_and_was_not_fails_the_verdict(evidence):
    done = judge(replace(evidence, harm=["killed worker-1", "stopped worker 2"]))
    assert done.holds
    (finding,) = [one for one in done.findings if one.promised == "the scenario did its harm"]
    assert finding.seen == "2 times, 0 runs were cut off: killed worker-1, stopped worker 2"
    (broken,) = [one for one in judge(replace(evidence, harm=[])).findings if not one.holds]
    assert (broken.promised, broken.seen) == ("the scenario did its harm", "none")


def test_a_lost_job_is_missed_by_its_end_and_by_its_record(evidence):
    lose_a_job(evidence)
    findings = {one.promised: one for one in judge(evidence).findings}
    assert findings["every accepted job has exactly one terminal record"].seen == "violated by 1: two"
    assert findings["every job ends as its handler did"].seen == "0 failed as they were asked to, 1 completed"
    assert findings["jobs were accepted"].seen == "2 accepted, under 1 locks"


def test_the_checker_must_have_looked_for_every_accepted_job(evidence):
    verdict = judge(replace(evidence, proof=Proof(holds=True, counts={"accepted": 1, "jobs": 7})))
    (broken,) = [one for one in verdict.findings if not one.holds]
    assert broken.seen == "violated by 1: it checked 1 of 2 accepted jobs"


def test_a_broken_promise_outweighs_that_nothing_can_be_said_of_another_scenario():
    held, broke = (Verdict("x", "X", [Finding("it holds", "", holds=holds)]) for holds in (True, False))
    unusable = Verdict("y", "Y", [], unusable="not here")
    assert exit_code([held, broke, unusable]) == 1
    assert exit_code([held, unusable]) == 2
    assert exit_code([held, held]) == 0


def test_repeated_and_lost_answers_break_nothing(evidence):
    one = evidence.book.entries["one"]
    one.answers += [Answer(409, 0.1, same_request=True), Answer(503, 0.1), Answer(0, 60.0)]
    unknown = evidence.book.open("three", "ledger", Asked("ledger"))
    unknown.answers.append(Answer(0, 60.0))
    assert judge(evidence).holds


def test_a_job_known_by_a_repetition_alone_is_promised_too(evidence):
    entry = evidence.book.open("three", "ledger", Asked("ledger"))
    entry.answers += [Answer(0, 60.0), Answer(409, 0.1, same_request=True)]
    assert not judge(evidence).holds, "it never ended"


LIMITS = {
    "submissions_per_second": (2.0, 2.5),
    "jobs_per_second": (1.0, 1.5),
    "submit_p95_seconds": (0.2, 0.05),
    "unavailable_percent": (0.0, None),
    "in_line_p95_seconds": (2.5, 1.0),
    "hand_over_p95_seconds": (0.5, 0.4),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_threshold_that_is_not_kept_fails_the_verdict(evidence, name):
    kept, broken = LIMITS[name]
    assert judge(evidence, Thresholds(**{name: kept})).holds
    if broken is None:
        evidence.book.entries["one"].answers.append(Answer(503, 0.1))
        broken = kept
    assert judge(evidence, Thresholds(**{name: broken})).exit_code == 1


def test_the_storage_requests_of_all_services_are_limited_together(evidence):
    calls = {"publisher": 4.0, "worker": 3.0, "audit-projector": 5.0}
    assert judge(evidence, Thresholds(storage_calls_per_job=6.0), storage_calls=calls).holds
    assert judge(evidence, Thresholds(storage_calls_per_job=5.9), storage_calls=calls).exit_code == 1


@pytest.mark.parametrize(("handed_over", "seen"), [(None, "n/a"), (HandOvers(), "none")])
def test_a_hand_over_that_is_unknown_is_told_from_none(evidence, handed_over, seen):
    verdict = judge(evidence, Thresholds(hand_over_p95_seconds=1.0), hand_overs=handed_over)
    assert verdict.holds
    assert verdict.findings[-1].seen == seen


def test_a_slow_take_over_fails_the_verdict(evidence):
    events = life("two", 0, 10, 12, fence=2)
    cut_off = [
        event("one", 1, "Submitted", 0),
        event("one", 2, "Started", 1, fence=1, worker="host-7"),
        event("one", 3, "Interrupted", 10, fence=1, worker="host-7"),
        event("one", 4, "Started", 13, fence=3, attempt=2, worker="host-8"),
        event("one", 5, "Completed", 14, fence=3, attempt=2, worker="host-8"),
    ]
    evidence.ended["two"] = history_of("two", [*events[:2], {**events[2], "status": "Failed"}])
    evidence.ended["one"] = history_of("one", cut_off)
    from_event = evidence.ended["one"].runs[0].start
    how = {"killed": {"host-7": from_event.replace(second=4)}}
    assert judge(evidence, Thresholds(take_over_max_seconds=6.0), **how).holds
    assert judge(evidence, Thresholds(take_over_max_seconds=5.9), **how).exit_code == 1


def test_nothing_to_measure_reaches_no_lower_limit(evidence):
    verdict = judge(evidence, Thresholds(submissions_per_second=1.0), submitting_seconds=0.0)
    assert verdict.exit_code == 1


def test_without_a_verdict_the_exit_code_is_two():
    verdict = Verdict("contention", "One lock", [], unusable="the storage does not answer")
    assert not verdict.holds
    assert verdict.exit_code == 2


def test_a_verdict_survives_its_file(evidence):
    verdict = judge(evidence)
    again = Verdict.from_document(verdict.document())
    assert again.document() == verdict.document()


def test_what_open_pages_show_counts(evidence):
    well = Watched(2, [0.1, 0.2], [], [])
    assert judge(replace(evidence, watched=well)).holds
    for watched, seen in (
        (replace(well, exceptions=["KeyError: x"]), "KeyError: x"),
        (replace(well, still=["overview"]), "overview"),
    ):
        (finding,) = [one for one in judge(replace(evidence, watched=watched)).findings if not one.holds]
        assert seen in finding.seen


def test_refreshes_of_open_pages_and_their_cost_have_limits(evidence):
    watched = Watched(2, [0.1, 3.0], [], [])
    more = {"watched": watched, "minutes": 0.5, "storage_calls": {"dashboard": 100, "worker": 5}}
    for limit, seen in (("refresh_p95_seconds", "3"), ("dashboard_calls_per_minute", "200")):
        assert judge(evidence, Thresholds(**{limit: 300}), **more).holds
        verdict = judge(evidence, Thresholds(**{limit: 1}), **more)
        (finding,) = [one for one in verdict.findings if not one.holds]
        assert finding.seen.startswith(seen), finding
