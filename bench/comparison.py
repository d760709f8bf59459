"""Measures workloads: in every round each contestant has its turn, so that a busy machine slows all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import Contestant, Setting
from bench.figures import Summary, Turn
from bench.servers import Servers
from bench.workload import WARM_UP_LOCK, Size, Workload, warm_up


def show_at_once(text: str) -> None:
    """Print a line, also where the output is a file."""
    print(text, flush=True)


@dataclass(frozen=True)
class Result:
    """What was found for one workload."""

    workload: Workload
    size: Size
    summaries: tuple[Summary, ...]
    contestants: tuple[Contestant, ...]


def compare(
    workload: Workload,
    contestants: Sequence[Contestant],
    size: Size,
    rounds: int,
    workers: int,
    *,
    folder: Path,
    servers: Servers,
    report: Callable[[str], None] = show_at_once,
) -> Result:
    """Measure a workload with the contestants that suit it. Raises BenchError."""
    chosen = [contestant for contestant in contestants if workload.suits(contestant)]
    turns: dict[str, list[Turn]] = {contestant.name: [] for contestant in chosen}
    setting = Setting((*workload.locks, WARM_UP_LOCK), workers)
    for number in range(rounds):
        # Who came first in one round comes last in the next.
        for contestant in chosen if number % 2 == 0 else reversed(chosen):
            place = folder / f"{workload.name}-{number + 1}-{contestant.key}"
            place.mkdir()
            turn = _turn(workload, contestant, size, setting, place, servers)
            turns[contestant.name].append(turn)
            report(f"{workload.name}, round {number + 1} of {rounds}, {contestant.name}: {turn.rate:.1f}/s")
    summaries = tuple(Summary(contestant.name, tuple(turns[contestant.name])) for contestant in chosen)
    return Result(workload, size, summaries, tuple(chosen))


def _turn(
    workload: Workload,
    contestant: Contestant,
    size: Size,
    setting: Setting,
    folder: Path,
    servers: Servers,
) -> Turn:
    """Start a contestant, have the workload done, and stop it, so that no other runs meanwhile."""
    with contestant.running(folder, servers, setting) as installation:
        warm_up(installation)
        if size.history:
            installation.write_history(size.history)
        return workload.measure(installation, size)
