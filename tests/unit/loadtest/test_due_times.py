"""Due times: one that is lost, doubled or wrongly decided is found, and one that a change drops is not."""

from datetime import timedelta

import pytest
from loadtest import due_times
from loadtest.asked import Asked
from loadtest.due_times import Outcome, Phase, Record, Rule, ScheduledJob, judge, lateness
from loadtest.histories import history_of
from tests.unit.loadtest.lives import BEGAN, life


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def record(policy="queue", **outcomes):
    """A schedule that was due each 2 s by cron from 0 on, and deleted at 10.5: five due times."""
    found = Record("s", Asked("ledger", on_conflict=policy))
    found.phases.append(Phase(Rule(2), at(0), at(0), at(10.5), at(10.7), reached=at(10)))
    found.done, found.trail = ["created", "deleted"], ["created", "deleted"]
    for seconds in (2, 4, 6, 8, 10):
        decide(found, seconds, outcomes.get(f"at_{seconds}", "submitted"))
    return found


def decide(found, seconds, kind):
    """Let a schedule say what became of a due time, which has a job if it was submitted."""
    found.note(at(seconds), Outcome(kind, f"job-{seconds}" if kind in {"submitted", "skipped"} else None))
    if kind == "submitted":
        found.jobs.append(ScheduledJob(f"job-{seconds}", at(seconds)))


def forget(found, seconds):
    """Let nothing have become of a due time."""
    del found.outcomes[at(seconds)]
    found.jobs = [job for job in found.jobs if job.due_at != at(seconds)]


def broken(*records):
    return [finding.promised for finding in judge(records) if not finding.holds]


LOST = "no due time is lost"
STRAY = "nothing is due at another time"
ODD = "each due time has the outcome that on_conflict allows, once"
DOUBLED = "each due time has one job, or none where its outcome says so"
BY_HAND = "each run by hand has one job, or none where its outcome says so"
TRAIL = "the trail of each schedule has what was done to it"


def test_intervals_count_from_their_anchor_and_cron_from_full_minutes():
    anchor = at(0.25)
    assert Rule(2, anchor).between(anchor, at(6.25)) == [at(2.25), at(4.25), at(6.25)]
    assert Rule(2, anchor).between(at(2.25), at(6.24)) == [at(4.25)]
    assert Rule(2).between(at(0), at(4)) == [at(2), at(4)]
    assert Rule(1).between(at(1.5), at(3.5)) == [at(2), at(3)]


def test_what_was_promised_holds():
    assert broken(record()) == []
    assert broken(record("skip", at_4="skipped"), record("reject", at_4="refused")) == []


@pytest.mark.parametrize("seconds", [2, 6, 10])
def test_a_due_time_without_job_and_outcome_is_lost(seconds):
    found = record()
    forget(found, seconds)
    assert broken(found) == [LOST]


def test_what_became_of_a_due_time_may_be_unseen_only_where_it_may_have_no_job():
    for policy, expected in (("skip", []), ("queue", [LOST])):
        found = record(policy)
        forget(found, 4)
        found.unseen.append((at(2), at(6)))
        assert broken(found) == expected
    forget(found, 6)
    found.asked = Asked("ledger", on_conflict="skip")
    assert broken(found) == [LOST], "it is seen again from 6 on"


def test_a_job_shows_that_a_due_time_was_decided_although_the_schedule_forgot_it():
    found = record()
    del found.outcomes[at(4)]
    assert broken(found) == []


def changed(surely_since=6.9, ending=6.5, reached=None):
    """A schedule that was due each 2 s, and from a change at 6.5 on each second."""
    found = record()
    found.phases[0] = Phase(Rule(2), at(0), at(0), at(ending), at(6.9), reached and at(reached))
    found.phases.append(Phase(Rule(1), at(6.7), at(surely_since), at(10.5), at(10.7), at(10)))
    for seconds in (7, 9):
        decide(found, seconds, "submitted")
    return found


def test_a_change_may_drop_what_was_not_decided_yet_but_nothing_before_it():
    assert broken(changed()) == []
    late = changed()
    for seconds in (6, 4):
        forget(late, seconds)
        assert broken(late) == []
    hole = changed()
    forget(hole, 4)
    assert broken(hole) == [LOST]
    seen = changed(reached=6)
    forget(seen, 6)
    assert broken(seen) == [LOST]
    waited = changed()
    waited.phases[0].since = waited.phases[0].surely_since = at(-100)
    assert broken(waited) == [LOST], "nobody is that late"


def test_from_the_answer_to_a_change_on_the_new_rule_counts():
    found = changed()
    forget(found, 7)
    assert broken(found) == [LOST]
    assert broken(changed(surely_since=7.1)) == []


@pytest.mark.parametrize("seconds", [-2, 3, 12])
def test_a_due_time_that_no_rule_has_is_found(seconds):
    found = record()
    decide(found, seconds, "submitted")
    assert broken(found) == [STRAY]


def test_nothing_is_due_during_a_pause():
    found = record()
    found.phases[0] = Phase(Rule(2), at(0), at(0), at(5), at(5.2))
    found.phases.append(Phase(Rule(2), at(7), at(7), at(10.5), at(10.7), at(10)))
    assert broken(found) == [STRAY]
    forget(found, 6)
    assert broken(found) == []


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ("queue", "skipped"), ("queue", "refused"), ("queue", "missed"), ("queue", "pending"),
        ("skip", "refused"), ("reject", "skipped"), ("replace-waiting", "skipped"),
    ],
)  # fmt: skip
def test_an_outcome_that_the_rule_does_not_have_is_found(policy, kind):
    assert broken(record(policy, at_4=kind)) == [ODD]


def test_an_outcome_stays_but_for_a_refusal_of_what_was_submitted_all_the_same():
    found = record("skip")
    decide(found, 4, "skipped")
    assert ODD in broken(found)
    found = record("reject", at_4="refused")
    decide(found, 4, "submitted")
    assert broken(found) == []
    found = record(at_4="pending")
    decide(found, 4, "submitted")
    assert broken(found) == []


def second_job(found):
    found.jobs.append(ScheduledJob("another", at(4)))


def no_job(found):
    found.jobs = [job for job in found.jobs if job.due_at != at(4)]


def other_job(found):
    no_job(found)
    second_job(found)


def two_unknown(found):
    second_job(found)
    del found.outcomes[at(4)]


@pytest.mark.parametrize("spoil", [second_job, no_job, other_job, two_unknown])
def test_another_number_of_jobs_than_one_is_found(spoil):
    found = record()
    spoil(found)
    assert broken(found) == [DOUBLED]


def test_a_due_time_that_was_skipped_or_refused_has_no_job():
    for policy, kind in (("skip", "skipped"), ("reject", "refused")):
        found = record(policy, at_4=kind)
        second_job(found)
        assert broken(found) == [DOUBLED]


def test_runs_by_hand_have_a_job_each_and_no_due_time():
    found = record()
    found.by_hand = [Outcome("submitted", "by-hand"), Outcome("refused")]
    found.jobs.append(ScheduledJob("by-hand", at(3.3), is_by_hand=True))
    assert broken(found) == []
    found.jobs.append(ScheduledJob("more", at(3.3), is_by_hand=True))
    assert broken(found) == [BY_HAND]
    found.jobs = found.jobs[:-2]
    assert broken(found) == [BY_HAND]


@pytest.mark.parametrize("trail", [["created"], ["created", "missed", "deleted"], ["deleted", "created"]])
def test_the_trail_has_all_that_was_done(trail):
    found = record()
    found.trail = trail
    assert broken(found) == [TRAIL]


def test_lateness_counts_from_the_due_time_and_only_where_no_other_job_had_the_lock():
    found, busy = record(), record("skip")
    found.jobs.append(ScheduledJob("by-hand", at(3), is_by_hand=True))
    ended = {
        job: history
        for job, submitted, started in (("job-2", 2.5, 3), ("by-hand", 8, 9))
        if (history := history_of(job, life(job, submitted, started, 20, fence=1))) is not None
    }
    assert lateness([found], ended) == ([0.5], [1.0])
    assert lateness([busy], ended) == ([0.5], [])


def test_figures_count_what_became_of_due_times():
    found = changed()
    forget(found, 6)
    assert due_times.figures([found]) == {
        "schedules": 1, "due_times": 6, "per_second": 0.75, "dropped_by_changes": 1,
        "outcomes": {"submitted": 6}, "times_unseen": 0, "by_hand": 0,
    }  # fmt: skip
