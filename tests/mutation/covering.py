"""Which tests run a line: measured once, by running all tests of a package one after the other."""

import bisect
import itertools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import coverage
import pytest
from tests.mutants.mutant import source_path
from tests.mutation.changing import Changed
from tests.mutation.packages import ROOT, Package

#: Seconds of tests that are run for a change of what runs on import.
_ON_IMPORT = 4.0


@dataclass
class Cover:
    """The tests of a package, what they run, and how long they take in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    #: Tests by module and line.
    tests: dict[str, dict[int, list[str]]] = field(default_factory=dict)

    def of_lines(self, module: str, first: int, last: int) -> list[str]:
        """Return the tests that run any of these lines."""
        lines = self.tests.get(module, {})
        return sorted({test for line in range(first, last + 1) for test in lines.get(line, ())})

    def of_change(self, change: Changed) -> list[str]:
        """Return the tests that may notice a change, the likeliest, or the quickest, first.

        What runs on import is used by every test. The ones that name the module come first, then the ones
        that run something of it, and no more of them than take a few seconds.
        """
        if change.function:
            return sorted(self.of_lines(change.module, *change.lines), key=lambda test: self.seconds[test])
        running = {test for tests in self.tests.get(change.module, {}).values() for test in tests}
        in_order = sorted(
            self.seconds,
            key=lambda test: (not _names(test, change.module), test not in running, self.seconds[test]),
        )
        last = bisect.bisect(list(itertools.accumulate(self.seconds[test] for test in in_order)), _ON_IMPORT)
        return in_order[:last]

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        write_at_once(path, json.dumps({"seconds": self.seconds, "tests": self.tests}))

    @classmethod
    def read(cls, path: Path) -> "Cover":
        """Read it back."""
        kept = json.loads(path.read_text())
        tests = {
            module: {int(n): names for n, names in lines.items()} for module, lines in kept["tests"].items()
        }
        return cls(kept["seconds"], tests)


@cache
def _names(test: str, module: str) -> bool:
    """Tell whether the file of a test names a module."""
    path = ROOT / test.partition("::")[0]
    return path.exists() and module in path.read_text()


def write_at_once(path: Path, text: str) -> None:
    """Write a file so that another process reads either the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)


def measure(package: Package, path: Path) -> None:
    """Run the tests of a package in this process, and keep what they run in a file.

    Raises RuntimeError when a test fails. This process must not have imported the product.
    """
    meter = coverage.Coverage(data_file=None, include=[str(ROOT / package.source / "*")], config_file=False)
    plugin = _Measuring(meter)
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
        "--timeout",
        "600",
    ]
    meter.start()
    code = pytest.main([*options, *package.options], plugins=[plugin])
    meter.stop()
    if code != pytest.ExitCode.OK:
        raise RuntimeError(f"the tests of {package.name} do not pass: pytest ended with {int(code)}")
    cover = Cover(plugin.seconds)
    data = meter.get_data()
    for module in package.modules():
        contexts = data.contexts_by_lineno(str(source_path(module)))
        cover.tests[module] = {line: [name for name in names if name] for line, names in contexts.items()}
    cover.write(path)


class _Measuring:
    def __init__(self, meter: coverage.Coverage) -> None:
        self._meter = meter
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self._meter.switch_context(item.nodeid)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began
            self._meter.switch_context("")
