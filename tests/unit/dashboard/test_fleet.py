"""Which processes are alive, silent or gone."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.fleet import Pulse, fleet, pulse

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Process:
    name: str
    seen_at: datetime


def heard(name: str, **ago: float) -> Process:
    return Process(name, NOW - timedelta(**ago))


@pytest.mark.parametrize(
    ("silence", "expected"),
    [
        ({"seconds": -5}, Pulse.ALIVE),
        ({"seconds": 24.9}, Pulse.ALIVE),
        ({"seconds": 25}, Pulse.SILENT),
        ({"hours": 23.99}, Pulse.SILENT),
        ({"days": 1}, Pulse.GONE),
    ],
)
def test_a_process_without_a_heartbeat_is_silent_and_after_a_day_gone(
    silence: dict[str, float], expected: Pulse
) -> None:
    assert pulse(heard("w", **silence), NOW) is expected


def test_the_silent_ones_come_first_and_the_gone_ones_last() -> None:
    found = fleet(
        [
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
    assert [process.name for process in found.gone] == ["gone lately", "gone"]
