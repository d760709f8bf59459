"""Hand-overs are read from the workers' histograms, and n/a where those do not say it."""

import math

import pytest
from loadtest import hand_overs, storage_calls
from loadtest.hand_overs import HandOvers, Histogram
from loadtest.screen import _lines

_NAME = "turnstile_lock_hand_over_duration_seconds"


def exposition(instance, chained, released=(0, 0, 0)):
    """Return a worker's metrics, with how many hand-overs took at most 0.01 s, 0.02 s and any time."""
    lines = [f'target_info{{service_instance_id="{instance}",service_name="worker"}} 1.0']
    for cause, counts in (("chained", chained), ("released", released)):
        for bound, count in zip(("0.01", "0.02", "+Inf"), counts, strict=True):
            lines.append(
                f'{_NAME}_bucket{{le="{bound}",lock_hand_over_cause="{cause}"}} '
                f'{count}.0 # {{trace_id="1"}} 0.1'
            )
        lines.append(f'{_NAME}_count{{lock_hand_over_cause="{cause}"}} {counts[2]}.0')
    return "\n".join(lines)


@pytest.fixture
def workers(monkeypatch):
    texts: dict[str, str] = {}
    monkeypatch.setattr(storage_calls, "read", lambda url: texts[url])
    return texts


def test_the_difference_of_all_workers_is_taken_and_split_by_cause(workers):
    workers.update(a=exposition("h-1", (5, 5, 5)), b=exposition("h-2", (0, 0, 0)))
    before = hand_overs.read(["a", "b"])
    workers.update(a=exposition("h-1", (7, 9, 9)), b=exposition("h-2", (2, 4, 4), (0, 1, 2)))
    found = hand_overs.between(before, hand_overs.read(["a", "b"]))
    assert found.by_cause == {
        "chained": Histogram({0.01: 4, 0.02: 8, math.inf: 8}),
        "released": Histogram({0.01: 0, 0.02: 1, math.inf: 2}),
    }
    assert found.all == Histogram({0.01: 4, 0.02: 9, math.inf: 10})


@pytest.mark.parametrize(
    ("share", "seconds"), [(0.25, 0.005), (0.5, 0.01), (0.75, 0.015), (0.9, 0.018), (0.99, math.inf)]
)
def test_a_quantile_is_interpolated_in_its_bucket(share, seconds):
    found = Histogram({0.01: 50, 0.02: 100 * 0.9 + 5, math.inf: 100})
    if share in {0.75, 0.9}:
        seconds = 0.01 + 0.01 * (share * 100 - 50) / 45
    assert found.quantile(share) == pytest.approx(seconds)


def test_without_hand_overs_there_is_no_quantile():
    assert Histogram().quantile(0.5) is None
    assert HandOvers().document() == {"p50": None, "p95": None, "p99": None, "count": 0, "by_cause": {}}


def test_after_a_worker_was_restarted_nothing_is_known_even_if_it_counted_more(workers):
    workers["a"] = exposition("h-1", (0, 0, 0))
    before = hand_overs.read(["a"])
    workers["a"] = exposition("h-2", (7, 9, 9))
    assert hand_overs.between(before, hand_overs.read(["a"])) is None


def test_without_the_metrics_of_a_worker_nothing_is_known(workers, monkeypatch):
    def refuse(url):
        raise ConnectionRefusedError

    assert hand_overs.read([]) is None
    workers["a"] = "turnstile_storage_call_duration_seconds_count 1.0"
    assert hand_overs.read(["a"]) is None
    monkeypatch.setattr(storage_calls, "read", refuse)
    assert hand_overs.read(["a"]) is None
    assert hand_overs.between(None, {}) is hand_overs.between({}, None) is None


def test_what_is_not_known_is_shown_as_such():
    assert any(line.startswith("hand-over: n/a") for line in _lines({"hand_over_seconds": None}, None))
    known = {"hand_over_seconds": {"p50": 0.005, "p95": 0.01, "p99": 0.02, "count": 3}}
    assert "hand-over: p50 0.005 s, p95 0.010 s, p99 0.020 s (3)" in _lines(known, None)
