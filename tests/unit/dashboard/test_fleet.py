"""Which processes are alive, silent, stopped or gone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from contracts.heartbeats import Pulse, pulse
from dashboard.fleet import fleet

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Process:
    name: str
    seen_at: datetime
    stopped_at: datetime | None = None
    is_busy: bool = False


def heard(name: str, **ago: float) -> Process:
    return Process(name, NOW - timedelta(**ago))


def stopped(name: str, **ago: float) -> Process:
    return Process(name, NOW - timedelta(**ago), NOW - timedelta(**ago))


@pytest.mark.parametrize(
    ("silence", "expected"),
    [
        ({"seconds": -5}, Pulse.ALIVE),
        ({"seconds": 34.9}, Pulse.ALIVE),
        ({"seconds": 35}, Pulse.SILENT),
        ({"hours": 23.99}, Pulse.SILENT),
        ({"days": 1}, Pulse.GONE),
    ],
)
def test_a_process_without_a_heartbeat_is_silent_and_after_a_day_gone(
    silence: dict[str, float], expected: Pulse
) -> None:
    assert pulse(heard("w", **silence), NOW) is expected


@pytest.mark.parametrize(("seconds", "expected"), [(24.9, Pulse.ALIVE), (25, Pulse.SILENT)])
def test_a_process_that_had_work_is_missed_sooner(seconds: float, expected: Pulse) -> None:
    process = Process("w", NOW - timedelta(seconds=seconds), is_busy=True)
    assert pulse(process, NOW) is expected


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ({"seconds": -5}, Pulse.STOPPED),
        ({"seconds": 1}, Pulse.STOPPED),
        ({"minutes": 59.9}, Pulse.STOPPED),
        ({"hours": 1}, Pulse.GONE),
        ({"days": 2}, Pulse.GONE),
    ],
)
def test_a_process_that_was_stopped_is_never_silent_and_after_an_hour_gone(
    since: dict[str, float], expected: Pulse
) -> None:
    assert pulse(stopped("w", **since), NOW) is expected


def test_the_silent_ones_come_first_and_the_gone_ones_last() -> None:
    found = fleet(
        [
            stopped("stopped", minutes=30),
            stopped("stopped long ago", days=2.5),
            stopped("stopped lately", minutes=2),
            heard("a", seconds=1),
            heard("silent", minutes=1),
            heard("gone", days=3),
            heard("b", seconds=2),
            heard("longer silent", minutes=9),
            heard("gone lately", days=2),
        ],
        NOW,
    )
    assert [process.name for process in found.present] == ["longer silent", "silent", "a", "b"]
    assert [process.name for process in found.stopped] == ["stopped lately", "stopped"]
    assert found.shown == [*found.present, *found.stopped]
    assert [process.name for process in found.gone] == ["gone lately", "stopped long ago", "gone"]
