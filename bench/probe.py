"""Measures processes from outside: processor time, memory, and their own counts of requests."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 1.0

#: The first processes of each program, by the name under which it is reported.
Roots = Mapping[str, Sequence[int]]


class Probe:
    """Measures what runs under these processes from its creation until `stop`."""

    def __init__(self, roots: Roots, requests: Callable[[], Mapping[str, float]]) -> None:
        self._roots = roots
        self._count = requests
        self._processor = processor_seconds(roots)
        self._requests = dict(requests())
        self._memory: defaultdict[str, float] = defaultdict(float)
        self._over = threading.Event()
        self._sampler = threading.Thread(target=self._sample_memory, daemon=True)
        self._sampler.start()
        self.processor: dict[str, float] = {}
        self.requests: dict[str, float] = {}
        self.memory: dict[str, float] = {}

    def stop(self) -> None:
        """End the measurement and fill in what was measured."""
        self.processor = _difference(self._processor, processor_seconds(self._roots))
        self.requests = _difference(self._requests, self._count())
        self._over.set()
        self._sampler.join()
        self._take_sample()
        self.memory = dict(self._memory)

    def _sample_memory(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self._take_sample()

    def _take_sample(self) -> None:
        for name, family in _families(self._roots):
            now = sum(_memory(process.pid) for process in family)
            self._memory[name] = max(self._memory[name], now)


def processor_seconds(roots: Roots) -> dict[str, float]:
    """Return the processor time that each program has had, with its children that have ended."""
    found = {}
    for name, family in _families(roots):
        times = []
        for process in family:
            with suppress(psutil.NoSuchProcess):
                times.append(process.cpu_times())
        found[name] = sum(
            each.user + each.system + each.children_user + each.children_system for each in times
        )
    return found


def _families(roots: Roots) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Return each program's processes with all descendants, but without those of another program below it."""
    own = {pid for pids in roots.values() for pid in pids}
    for name, pids in roots.items():
        found: list[psutil.Process] = []
        for pid in pids:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found += [
                    process,
                    *(each for each in process.children(recursive=True) if each.pid not in own),
                ]
        yield name, found


def _memory(pid: int) -> float:
    """Return the bytes of a process; of what it shares with others only its part, so that sums are right."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1]) * 1024
    return 0.0


def _difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - value for name, value in before.items() if name in after}
