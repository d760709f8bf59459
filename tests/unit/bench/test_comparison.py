"""Contestants take turns, each alone, and those that cannot do a workload have none."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from bench import comparison
from bench.errors import BenchError
from bench.figures import Turn
from bench.servers import Servers
from bench.workload import Size


class Doubles:
    """Contestants and a workload that note what happens."""

    def __init__(self):
        self.log = []
        self.contestants = [self.contestant("one"), self.contestant("two"), self.contestant("three")]
        self.workload = SimpleNamespace(
            name="work", locks=("ledger",), suits=lambda contestant: contestant.name != "three",
            measure=self.measure,
        )  # fmt: skip

    def contestant(self, name):
        @contextmanager
        def running(folder, servers, setting):
            assert folder.is_dir()
            assert not list(folder.iterdir())
            self.log.append(f"{name} starts")
            yield SimpleNamespace(name=name, write_history=lambda jobs: self.log.append(f"{jobs} finished"))
            self.log.append(f"{name} stops")

        return SimpleNamespace(name=name, key=name, running=running)

    def measure(self, installation, size):
        self.log.append(f"{installation.name} works")
        return Turn(size.jobs, 1.0)


@pytest.fixture
def doubles(monkeypatch):
    found = Doubles()
    monkeypatch.setattr(comparison, "warm_up", lambda installation: found.log.append("warms up"))
    return found


def compare(doubles, tmp_path, rounds, history=0):
    return comparison.compare(
        doubles.workload, doubles.contestants, Size(5, history=history), rounds, 2, folder=tmp_path,
        servers=Servers(tmp_path), report=doubles.log.append,
    )  # fmt: skip


def test_each_turn_ends_before_the_next_one_starts_and_who_was_first_is_last(doubles, tmp_path):
    result = compare(doubles, tmp_path, rounds=2)
    assert [each for each in doubles.log if "start" in each or "stop" in each] == [
        "one starts", "one stops", "two starts", "two stops",
        "two starts", "two stops", "one starts", "one stops",
    ]  # fmt: skip
    assert [(each.contestant, len(each.turns)) for each in result.summaries] == [("one", 2), ("two", 2)]


def test_history_is_written_before_the_measurement(doubles, tmp_path):
    compare(doubles, tmp_path, rounds=1, history=70)
    assert doubles.log[:4] == ["one starts", "warms up", "70 finished", "one works"]


def test_trouble_ends_the_turn_and_the_comparison(doubles, tmp_path):
    def fail(installation, size):
        raise BenchError("nothing runs any more")

    doubles.workload.measure = fail
    with pytest.raises(BenchError, match="nothing runs"):
        compare(doubles, tmp_path, rounds=1)
