"""Memory does not grow with a history: ten times the events fit into the same."""

from bench.verify import compare

#: A history of this many events would take some 32 MiB if it were kept.
_EVENTS = 10_000


def test_ten_times_the_events_take_no_more_memory() -> None:
    short, long = compare(_EVENTS // 10, 1, 1), compare(_EVENTS, 10, 1)
    assert long["events"] >= _EVENTS
    assert long["memory_mib"] - short["memory_mib"] < 12
