"""Which tests run a line: measured by running the tests of a package; later those of changed files alone."""

import hashlib
import json
import os
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import coverage
import pytest
from tests.mutants.mutant import source_path
from tests.mutation.changing import Changed
from tests.mutation.packages import ROOT, Package

#: Seconds, and files, of tests that are run for a change of what runs on import.
_ON_IMPORT, _FILES_ON_IMPORT = 4.0, 8


@dataclass
class Cover:
    """The tests of a package, what they run, and how long they take in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)
    #: Tests by module and line.
    tests: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    #: Tests that fail without a change.
    failing: list[str] = field(default_factory=list)
    #: What it was measured from: digests of the test files, and of everything else.
    files: dict[str, str] = field(default_factory=dict)
    rest: str = ""

    def of_lines(self, module: str, first: int, last: int) -> list[str]:
        """Return the tests that run any of these lines."""
        lines = self.tests.get(module, {})
        return sorted({test for line in range(first, last + 1) for test in lines.get(line, ())})

    def of_change(self, change: Changed) -> list[str]:
        """Return the tests that may notice a change, the likeliest, or the quickest, first.

        What runs on import is used by every test. The ones that name the module come first, then the ones
        that run something of it, and no more of them than take a few seconds and stand in a few files.
        """
        if change.function:
            return sorted(self.of_lines(change.module, *change.lines), key=lambda test: self.seconds[test])
        running = {test for tests in self.tests.get(change.module, {}).values() for test in tests}
        in_order = sorted(
            self.seconds,
            key=lambda test: (not _names(test, change.module), test not in running, self.seconds[test]),
        )
        files: set[str] = set()
        found, seconds = [], 0.0
        for test in in_order:
            file = test.partition("::")[0]
            if (file in files or len(files) < _FILES_ON_IMPORT) and seconds + self.seconds[
                test
            ] <= _ON_IMPORT:
                files.add(file)
                found.append(test)
                seconds += self.seconds[test]
        return found

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        write_at_once(path, json.dumps(vars(self)))

    @classmethod
    def read(cls, path: Path) -> "Cover":
        """Read it back; an empty one when there is no file."""
        if not path.exists():
            return cls()
        cover = cls(**json.loads(path.read_text()))
        cover.tests = {
            module: {int(n): names for n, names in lines.items()} for module, lines in cover.tests.items()
        }
        return cover

    def forget(self, files: Container[str]) -> None:
        """Drop what was measured of the tests in these files."""

        def stays(test: str) -> bool:
            return test.partition("::")[0] not in files

        self.seconds = {test: seconds for test, seconds in self.seconds.items() if stays(test)}
        self.failing = list(filter(stays, self.failing))
        for lines in self.tests.values():
            for line, tests in lines.items():
                lines[line] = list(filter(stays, tests))


@cache
def _names(test: str, module: str) -> bool:
    """Return whether the file of a test names a module."""
    path = ROOT / test.partition("::")[0]
    text = path.read_text() if path.exists() else ""
    package, _, name = module.rpartition(".")
    return module in text or (f"from {package} import" in text and f"{name}." in text)


def write_at_once(path: Path, text: str) -> None:
    """Write a file so that another process reads either the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)


def files_of(package: Package) -> tuple[dict[str, str], str]:
    """Return the digests of the package's files of tests, and one of all other files that tests depend on."""
    found = [ROOT / package.source, *(ROOT / test for test in package.tests)]
    paths = sorted(path for file in found for path in ([file] if file.is_file() else file.rglob("*.py")))
    digests = {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    tests = {name: digest for name, digest in digests.items() if Path(name).name.startswith("test_")}
    rest = {name: digest for name, digest in digests.items() if name not in tests}
    return tests, hashlib.sha256(json.dumps(rest).encode()).hexdigest()


def measure(package: Package, path: Path) -> None:
    """Run the tests of a package whose files changed, in this process, and keep what they run in a file.

    Raises RuntimeError when they cannot be run. This process must not have imported the product.
    """
    cover, (files, rest) = Cover.read(path), files_of(package)
    if cover.rest != rest:
        cover = Cover()
    changed = {name for name in files.keys() | cover.files.keys() if files.get(name) != cover.files.get(name)}
    cover.forget(changed)
    cover.files, cover.rest = files, rest
    wanted = sorted(changed & files.keys())
    if wanted:
        _measure(package, cover, wanted)
    cover.write(path)


def _measure(package: Package, cover: Cover, files: list[str]) -> None:
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
    code = pytest.main([*options, *package.choice, *(str(ROOT / file) for file in files)], plugins=[plugin])
    meter.stop()
    usable = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
    if code not in usable:
        raise RuntimeError(f"the tests of {package.name} cannot be run: pytest ended with {code!r}")
    cover.seconds |= {test: taken for test, taken in plugin.seconds.items() if test not in plugin.failing}
    cover.failing += sorted(plugin.failing)
    data = meter.get_data()
    for module in package.modules():
        lines = cover.tests.setdefault(module, {})
        for line, names in data.contexts_by_lineno(str(source_path(module))).items():
            lines.setdefault(line, []).extend(name for name in names if name in cover.seconds)


class _Measuring:
    def __init__(self, meter: coverage.Coverage) -> None:
        self._meter = meter
        self.seconds: dict[str, float] = {}
        self.failing: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failing.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self._meter.switch_context(item.nodeid)
        began = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - began
            self._meter.switch_context("")
