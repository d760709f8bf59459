"""Submissions with a rule for a busy lock: what breaks the rule is found, and what may be is not."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from loadtest import conflicts
from loadtest.asked import Asked
from loadtest.book import Answer, Book
from loadtest.effects import Effects
from loadtest.histories import history_of
from tests.unit.loadtest.lives import BEGAN, life, replaced, stopped
from tests.unit.loadtest.test_verdict import judge as verdict_on


class World:
    """Jobs of one lock, with their submissions and what became of them."""

    def __init__(self):
        self.book = Book()
        self.ended = {}
        self.effects = Effects()
        self.known = []

    def submit(self, job_id, policy, at, status=202, names=None, problem="", lock="ledger"):
        """Submit a job; the answer comes 0.2 s later."""
        entry = self.book.open(job_id, lock, Asked(lock, on_conflict=policy))
        sent = BEGAN + timedelta(seconds=at)
        entry.answers.append(Answer(status, 0.2, job_id=names or job_id, problem=problem, sent_at=sent))
        return entry

    def end(self, events):
        history = history_of(events[0]["job_id"], events)
        self.ended[history.job_id] = history

    def broken(self):
        found = conflicts.judge(self.book, self.ended, self.effects, self.known)
        return [finding.promised for finding in found if not finding.holds]


_TOLD = "who is turned away is told a job that has the lock"
_NO_JOB = "what was turned away is no job, and had no effect"
_HEEDED = "who is accepted has heeded all jobs of the lock"
_MAY = "what is cancelled was replaced by a job that may"


@pytest.fixture
def world():
    """One job that runs from 2 to 20, one that waits from 5 to 30, and three that came at 10."""
    world = World()
    world.submit("runs", "queue", 1)
    world.end(life("runs", 1.1, 2, 20, fence=1))
    world.submit("waits", "queue", 5)
    world.end(life("waits", 5.1, 21, 30, fence=2))
    world.submit("skipped", "skip", 10, 200, names="runs")
    world.submit("refused", "reject", 10, 409, names="runs", problem="lock_busy")
    world.submit("too many", "replace-waiting", 10, 409, problem="too_many_waiting")
    return world


def test_what_follows_the_rules_is_not_broken(world):
    assert world.broken() == []
    assert conflicts.figures(world.book, world.ended) == {
        "accepted": 2, "skipped": 1, "rejected": 1, "too_many_waiting": 1,
        "replaced": 0, "stopped": 0, "too_late": 0,
    }  # fmt: skip


@pytest.mark.parametrize("names", ["nobody", "refused", "elsewhere", "over", "later", None])
def test_a_job_that_has_not_the_lock_must_not_turn_anyone_away(world, names):
    world.submit("elsewhere", "queue", 1, lock="other")
    world.end(life("elsewhere", 1.1, 2, 20, fence=1, lock="other"))
    world.submit("over", "queue", -20)
    world.end(life("over", -19, -18, -1, fence=1))
    world.submit("later", "queue", 11)
    world.end(life("later", 11, 31, 32, fence=3))
    world.submit("wrong", "reject", 10, 409, names=names, problem="lock_busy")
    if names is None:
        world.book.entries["wrong"].answers[0] = replace(world.book.entries["wrong"].answers[0], job_id=None)
    assert world.broken() == [_TOLD]


def test_what_was_turned_away_must_not_be_there(world):
    world.known = ["skipped"]
    assert world.broken() == [_NO_JOB]
    world.known = []
    world.effects.accepted["refused"] = Counter({"effect 1": 1})
    assert world.broken() == [_NO_JOB]


@pytest.mark.parametrize("policy", ["skip", "reject", "replace-waiting", "cancel-running"])
def test_who_is_accepted_beside_others_has_not_looked(world, policy):
    world.submit("bold", policy, 10)
    world.end(life("bold", 10.1, 31, 32, fence=3))
    assert world.broken() == [_HEEDED]


@pytest.mark.parametrize(
    ("policy", "at"), [("skip", 0), ("reject", 29.6), ("replace-waiting", 20.8), ("cancel-running", 29.6)]
)
def test_what_came_or_went_at_that_moment_may_have_been_overlooked(world, policy, at):
    world.submit("lucky", policy, at)
    world.end(life("lucky", at + 0.1, 31, 32, fence=3))
    assert world.broken() == []


def test_one_that_waits_may_be_replaced_and_one_that_runs_may_be_stopped(world):
    world.submit("new", "replace-waiting", 10)
    world.end(life("new", 10.1, 21, 32, fence=2))
    world.end(replaced("waits", 5.1, 10.1, "new"))
    assert world.broken() == []
    world.submit("newest", "cancel-running", 15)
    world.end(stopped("runs", 1.1, 2, 16, "newest", fence=1))
    world.end(replaced("new", 10.1, 15.1, "newest"))
    world.end(life("newest", 15.1, 17, 18, fence=2))
    assert world.broken() == []
    counted = conflicts.figures(world.book, world.ended)
    assert (counted["replaced"], counted["stopped"], counted["too_late"]) == (2, 1, 0)
    world.end(stopped("runs", 1.1, 2, 16, "newest", fence=1, end="Completed"))
    assert world.broken() == []
    assert conflicts.figures(world.book, world.ended)["too_late"] == 1


def test_a_running_job_that_was_not_asked_to_stop_is_found(world):
    world.end(replaced("waits", 5.1, 10.1, "newest"))
    world.submit("newest", "cancel-running", 10)
    world.end(life("newest", 10.1, 21, 22, fence=2))
    assert world.broken() == [_HEEDED]


@pytest.mark.parametrize("by", ["nobody", "skipped", "runs", "elsewhere", None])
def test_a_job_is_cancelled_only_by_one_that_may(world, by):
    world.submit("elsewhere", "replace-waiting", 6, lock="other")
    world.end(life("elsewhere", 6.1, 7, 8, fence=1, lock="other"))
    world.end(replaced("waits", 5.1, 10.1, by))
    assert world.broken() == [_MAY]


def test_a_running_job_is_stopped_by_cancel_running_alone(world):
    world.submit("new", "replace-waiting", 19.8)
    world.end(life("new", 19.9, 31, 32, fence=3))
    world.end(stopped("runs", 1.1, 2, 20, "new", fence=1))
    world.end(replaced("waits", 5.1, 19.9, "new"))
    assert world.broken() == [_MAY]


@pytest.mark.parametrize(
    ("policy", "status", "problem", "names"),
    [
        ("queue", 409, "lock_busy", "one"),
        ("skip", 409, "lock_busy", "one"),
        ("skip", 200, "", "three"),
        ("reject", 200, "", "one"),
        ("reject", 409, "job_id_used", "one"),
        ("replace-waiting", 409, "lock_busy", "one"),
    ],
)
def test_an_answer_that_no_rule_gives_fails_the_verdict(evidence, policy, status, problem, names):
    entry = evidence.book.open("three", "ledger", Asked("ledger", on_conflict=policy))
    entry.answers.append(Answer(status, 0.1, job_id=names, problem=problem))
    verdict = verdict_on(evidence)
    assert "every answer is one that was asked for, or unavailable" in [
        finding.promised for finding in verdict.findings if not finding.holds
    ]


def test_a_job_that_was_replaced_has_no_effects_that_it_must_have(evidence):
    evidence.book.open("three", "ledger", Asked("ledger", on_conflict="replace-waiting")).answers.append(
        Answer(202, 0.1, sent_at=BEGAN + timedelta(seconds=2.5))
    )
    evidence.ended["three"] = history_of("three", life("three", 2.55, 4, 5, fence=3))
    evidence.ended["two"] = history_of("two", replaced("two", 0, 2.6, "three"))
    evidence.effects.accepted["three"] = Counter({"effect 1": 1})
    del evidence.effects.accepted["two"]
    whole = replace(evidence, proof=replace(evidence.proof, counts={"accepted": 3, "jobs": 3}))
    assert [one.promised for one in verdict_on(whole).findings if not one.holds] == []
    evidence.effects.accepted["two"] = Counter({"effect 7": 1})
    assert [one.promised for one in verdict_on(whole).findings if not one.holds] == [
        "every step had its effect exactly once"
    ]


def test_a_job_that_nobody_replaced_must_not_be_cancelled(evidence):
    evidence.ended["one"] = history_of("one", life("one", 0, 1, 2, fence=1, end="Cancelled"))
    verdict = verdict_on(evidence)
    assert "every job ends as its handler did" in [one.promised for one in verdict.findings if not one.holds]
