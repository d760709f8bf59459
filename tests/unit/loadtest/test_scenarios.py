"""Scenarios: found by their files, and asking for what they say."""

import sys
from random import Random
from typing import cast

import pytest
from loadtest.actions import Actions
from loadtest.scenario import ScenarioError, discover

_GOOD = '''
from loadtest.asked import Asked
from loadtest.scenario import Scenario
class Mine(Scenario):
    """Mine, and mine alone."""
    def ask(self, random):
        return Asked("mine")
'''


@pytest.fixture
def package(tmp_path, monkeypatch, request):
    """A new package for scenarios: its name and its folder."""
    name = f"scenarios_{abs(hash(request.node.name))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name, tmp_path / name
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def test_a_file_is_all_that_a_scenario_needs(package):
    name, folder = package
    (folder / "my_own.py").write_text(_GOOD)
    found = discover(name)
    assert list(found) == ["my_own"]
    assert (found["my_own"].name(), found["my_own"].title()) == ("my_own", "Mine, and mine alone")
    assert not found["my_own"].disturbs()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must have one Scenario, but has 0"),
        (_GOOD + "class Other(Scenario):\n    '''Other.'''\n", "must have one Scenario, but has 2"),
        (_GOOD.replace('"""Mine, and mine alone."""', "pass"), "Mine has no docstring"),
    ],
)
def test_a_file_that_has_not_one_scenario_is_named(package, text, said):
    name, folder = package
    (folder / "my_own.py").write_text(text)
    with pytest.raises(ScenarioError, match=rf"my_own\.py.*{said}"):
        discover(name)


def test_the_scenarios_that_there_are_can_be_asked():
    scenarios = discover()
    assert set(scenarios) >= {
        "contention", "many_locks", "batches", "duplicates", "mixed_day", "kill_while_loaded",
        "broker_restart", "open_pages", "slots", "conflicts", "schedules", "scheduler_restart",
    }  # fmt: skip
    for kind in scenarios.values():
        scenario, random = kind(), Random(1)
        asked = [scenario.ask(random) for _ in range(200)]
        assert all(1 <= one.steps <= 1000 and 0 <= one.priority <= 9 and one.copies >= 1 for one in asked)
        assert kind.batch == 1 or {one.copies for one in asked} == {1}
        # The same seed asks for the same.
        assert asked == [other for random in [Random(1)] for other in map(kind().ask, [random] * 200)]


def test_many_locks_follows_zipfs_law():
    scenario, random = discover()["many_locks"](), Random(1)
    asked = [scenario.ask(random).lock for _ in range(scenario.jobs)]
    assert 25 < asked.count("lock-1") < 60
    assert asked.count("lock-1") > asked.count("lock-10") > asked.count("lock-100")
    assert len(set(asked)) > 1000


class RecordedFaults:
    def __init__(self):
        self.done = []

    def kill_worker(self):
        self.done.append("kill")

    def stop_worker(self):
        self.done.append("stop")

    def restart_broker(self):
        self.done.append("restart")

    def restart_scheduler(self):
        self.done.append("restart scheduler")


def test_harm_is_done_again_and_again_until_the_load_ends():
    faults = RecordedFaults()
    disturbing = discover()["kill_while_loaded"]().disturb(faults, Random(1))
    assert all(0 < next(disturbing) < 10 for _ in range(101))
    assert len(faults.done) == 100
    assert {"kill", "stop"} == set(faults.done)
    assert list(discover()["broker_restart"]().disturb(faults, Random(1)))
    assert list(discover()["scheduler_restart"]().disturb(faults, Random(1)))
    assert faults.done[100:] == ["restart", "restart scheduler"]
    assert not discover()["schedules"].disturbs()


class RecordedActions:
    jobs = 40
    run = "run"

    def __init__(self):
        self.limits = []

    def set_limit(self, name, limit):
        self.limits.append((name, limit))


def test_a_limit_is_set_before_the_first_submission_and_lowered_and_raised_later():
    actions = RecordedActions()
    accompanying = discover()["slots"]().accompany(cast("Actions", actions), Random(1))
    next(accompanying)
    assert {limit for _, limit in actions.limits} == {3}
    locks = {name for name, _ in actions.limits}
    next(accompanying)
    next(accompanying)
    (moved,) = {name for name, _ in actions.limits[3:]}
    assert moved in locks
    assert [limit for name, limit in actions.limits if name == moved] == [3, 1, 4]
    # The API tells of the latest 20.
    list(accompanying)
    assert len([name for name, _ in actions.limits if name == moved]) == 20
    random = Random(2)
    assert {discover()["slots"]().ask(random).lock for _ in range(50)} == locks


def test_conflicts_have_every_rule():
    scenario, random = discover()["conflicts"](), Random(1)
    asked = [scenario.ask(random) for _ in range(100)]
    assert {one.on_conflict for one in asked} == {
        "queue", "reject", "skip", "replace-waiting", "cancel-running",
    }  # fmt: skip
    assert len({one.lock for one in asked}) == 3
