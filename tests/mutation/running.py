"""Tries changes: a process that has collected the tests forks one for each change, puts it in, and runs them.

A change within a function is put in by giving the function other code: nothing is imported again. What runs
while a module is imported (constants, defaults, fields) is changed before the import, in a process that has
loaded what the product imports from elsewhere, and nothing of the product.
"""

import gc
import importlib
import inspect
import json
import os
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from deploy.servers import private
from tests.mutants.judging import PRELOADED
from tests.mutants.mutant import source_path
from tests.mutants.switching import switch_sources
from tests.mutation.changing import Changed
from tests.mutation.covering import Cover
from tests.mutation.packages import ROOT, Package
from tests.servers import AZURITE

_QUIET = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")

#: Processor time: a test may take this many times what it takes without a change, and this many seconds more.
#: Wall-clock time means nothing where the machine is busy.
_SLOWER, _SECONDS_MORE, _SECONDS_TO_IMPORT = 10.0, 2.0, 15.0
#: Seconds after which a process that only sleeps waits for ever.
_ASLEEP = 10.0
#: Bytes of memory that a change may use.
_MEMORY = 4 * 1024**3


_UNUSABLE = "unusable: "


class _UnusableError(RuntimeError):
    """The tests could not be run as they were measured: nothing can be said of a change."""


@dataclass(frozen=True)
class Outcome:
    """What came of a change."""

    key: str
    #: killed (by a test), timeout, crashed (what ran the tests), survived, or uncovered (by any test).
    how: str
    #: The test that failed.
    test: str = ""


@dataclass
class _Child:
    change: Changed
    reader: int
    #: When it was last seen to do something.
    awake: float


def try_all(
    package: Package, changes: Sequence[Changed], cover: Cover, processes: int, log: Path
) -> Iterator[Outcome]:
    """Try changes of a package, several at a time; returns what came of each as it is known."""
    for module in PRELOADED:
        importlib.import_module(module)
    uncovered, inside, outside = [], [], []
    for change in changes:
        if not cover.of_change(change):
            uncovered.append(change)
        elif change.function and _differing(change) is not None:
            inside.append(change)
        else:
            outside.append(change)
    for change in uncovered:
        yield Outcome(change.key, "uncovered")
    with _storage(package):
        yield from _Forks(outside, cover, processes, log, lambda one: _import_and_run(one, cover)).outcomes()
        if inside:
            yield from _from_collected(package, inside, cover, processes, log)


@contextmanager
def _storage(package: Package) -> Iterator[None]:
    """Run one storage emulator for all, as each change would start one of its own."""
    if not package.needs_azurite:
        yield
        return
    private.ensure_installed()
    with tempfile.TemporaryDirectory() as folder, private.azurite(Path(folder), in_memory=True) as running:
        os.environ[AZURITE] = running.connection_string
        try:
            yield
        finally:
            del os.environ[AZURITE]


class _Forks:
    """Forks a process for each change, and kills those that take too long."""

    def __init__(
        self,
        changes: Iterable[Changed],
        cover: Cover,
        processes: int,
        log: Path,
        run: Callable[[Changed], str],
    ) -> None:
        self._changes = list(changes)
        self._cover = cover
        self._processes = processes
        self._log = log
        self._run = run
        self._children: dict[int, _Child] = {}

    def outcomes(self) -> Iterator[Outcome]:
        for change in self._changes:
            while len(self._children) >= self._processes:
                yield from self._ended()
            self._start(change)
        while self._children:
            yield from self._ended()

    def _start(self, change: Changed) -> None:
        seconds = sum(self._cover.seconds[test] for test in self._cover.of_change(change))
        limit = _SLOWER * seconds + (_SECONDS_MORE if change.function else _SECONDS_TO_IMPORT)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.close(reader)
                os.setpgid(0, 0)
                resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2))
                resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
                output = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.write(writer, self._run(change).encode())
                code = 0
            except _UnusableError as error:
                os.write(writer, f"{_UNUSABLE}{error}".encode())
            except BaseException:  # noqa: BLE001 - whatever it is, it ends this process alone
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writer)
        self._children[child] = _Child(change, reader, time.monotonic())

    def _ended(self) -> Iterator[Outcome]:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            now = time.monotonic()
            for number, child in self._children.items():
                if not _is_asleep(number):
                    child.awake = now
                elif now - child.awake > _ASLEEP:
                    _kill_group(number)
            time.sleep(0.01)
            return
        # A test may have left processes behind, which may hold the pipe.
        _kill_group(pid)
        child = self._children.pop(pid)
        said = os.read(child.reader, 65536).decode()
        os.close(child.reader)
        if said.startswith(_UNUSABLE):
            raise _UnusableError(said.removeprefix(_UNUSABLE))
        if said == "survived":
            yield Outcome(child.change.key, "survived")
        elif said:
            yield Outcome(child.change.key, "killed", said)
        else:
            yield Outcome(child.change.key, "timeout" if os.WIFSIGNALED(status) else "crashed")


def _is_asleep(process: int) -> bool:
    """Return whether a process waits for something else than a processor."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] == "S"
    except FileNotFoundError:
        return False


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


# --- before the import ------------------------------------------------------


def _import_and_run(change: Changed, cover: Cover) -> str:
    switch_sources({change.module: change.text})
    failures = _Failures()
    named = {ROOT / test.partition("::")[0] for test in cover.of_change(change)}
    files = sorted(str(file) for file in named if file.exists())
    options = ["--rootdir", str(ROOT), *_QUIET, "-x"]
    code = pytest.main([*options, *files], plugins=[failures, _Selection(cover.of_change(change))])
    match code:
        case pytest.ExitCode.OK:
            return "survived"
        case pytest.ExitCode.NO_TESTS_COLLECTED:
            raise _UnusableError(f"{change.module}: pytest found none of the tests that run it")
        case _:
            # Codes other than that of failed tests mean that a test file, or a conftest, cannot be imported.
            return failures.first or "its import"


class _Selection:
    """Runs some tests only, in a given order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places),
            key=lambda item: self._places[item.nodeid],
        )


class _Failures:
    def __init__(self) -> None:
        self.first = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.first:
            self.first = report.nodeid


# --- in a process that has collected the tests --------------------------------


def _from_collected(
    package: Package, changes: Sequence[Changed], cover: Cover, processes: int, log: Path
) -> Iterator[Outcome]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.close(reader)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(output, 1)
            os.dup2(output, 2)
            failures = _Failures()
            loop = _Loop(changes, cover, processes, log, failures, writer)
            code = pytest.main([*_QUIET, *package.choice, *package.tests], plugins=[failures, loop])
        except BaseException:  # noqa: BLE001 - whatever it is, it ends this process alone
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as lines:
        for line in lines:
            yield Outcome(*json.loads(line))
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"the tests could not be collected; see {log}")


class _Loop:
    """Takes the place of pytest's loop over the tests it collected."""

    def __init__(
        self,
        changes: Sequence[Changed],
        cover: Cover,
        processes: int,
        log: Path,
        failures: _Failures,
        writer: int,
    ) -> None:
        self._changes = changes
        self._cover = cover
        self._processes = processes
        self._log = log
        self._failures = failures
        self._writer = writer
        self._items: dict[str, pytest.Item] = {}
        #: How often a test noticed a change of a function.
        self._noticed: dict[str, Counter[str]] = {}
        self._functions: dict[tuple[str, str, int], list[FunctionType]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = {item.nodeid: item for item in session.items}
        for module in {change.module for change in self._changes}:
            importlib.import_module(module)
        for found in gc.get_objects():
            if isinstance(found, FunctionType):
                code = found.__code__
                place = (code.co_filename, code.co_qualname, code.co_firstlineno)
                self._functions.setdefault(place, []).append(found)
        missing = [change for change in self._changes if not self._loaded(change)]
        if missing:
            raise RuntimeError(f"no such function is loaded: {missing[0].module}.{missing[0].function}")
        gc.freeze()
        functions = {change.key: f"{change.module}:{change.function}" for change in self._changes}
        for outcome in _Forks(
            self._changes, self._cover, self._processes, self._log, self._put_in_and_run
        ).outcomes():
            if outcome.test:
                self._noticed.setdefault(functions[outcome.key], Counter())[outcome.test] += 1
            os.write(self._writer, (json.dumps([outcome.key, outcome.how, outcome.test]) + "\n").encode())
        return True

    def _put_in_and_run(self, change: Changed) -> str:
        self._put_in(change)
        known = self._noticed.get(f"{change.module}:{change.function}", Counter())
        tests = sorted(self._cover.of_change(change), key=lambda test: -known[test])
        # A test may have been taken away since it was measured.
        items = [self._items[test] for test in tests if test in self._items]
        for item, following in zip(items, [*items[1:], None], strict=False):
            limit = _SLOWER * self._cover.seconds[item.nodeid] + _SECONDS_MORE
            signal.setitimer(signal.ITIMER_PROF, limit)  # ends this process
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failures.first:
                return self._failures.first
        return "survived"

    def _put_in(self, change: Changed) -> None:
        for old, new in _differing(change) or []:
            for function in self._functions[old.co_filename, old.co_qualname, old.co_firstlineno]:
                function.__code__ = new

    def _loaded(self, change: Changed) -> bool:
        return all(
            (old.co_filename, old.co_qualname, old.co_firstlineno) in self._functions
            for old, _ in _differing(change) or []
        )


def _differing(change: Changed) -> list[tuple[CodeType, CodeType]] | None:
    """Return the code of functions before and after a change; None when it needs another import."""
    path = source_path(change.module)
    before = compile(path.read_text(), str(path), "exec", dont_inherit=True)
    after = compile(change.text, str(path), "exec", dont_inherit=True)
    old, new = list(_functions(before)), list(_functions(after))
    if len(old) != len(new) or _meaning(before, outer=True) != _meaning(after, outer=True):
        return None
    pairs = [(a, b) for a, b in zip(old, new, strict=True) if _meaning(a) != _meaning(b)]
    return pairs if pairs and all(a.co_freevars == b.co_freevars for a, b in pairs) else None


def _functions(code: CodeType) -> Iterator[CodeType]:
    """Go through the outermost functions of a module, and of the classes in it."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_flags & inspect.CO_NEWLOCALS:  # a function; a class body lacks it
                yield constant
            else:
                yield from _functions(constant)


def _meaning(code: CodeType, *, outer: bool = False) -> tuple[Any, ...]:
    """Return what code does, without its lines; of a module and its classes without their functions."""
    constants = tuple(
        (_meaning(c, outer=outer) if not (outer and c.co_flags & inspect.CO_NEWLOCALS) else c.co_name)
        if isinstance(c, CodeType)
        else (type(c), c)
        for c in code.co_consts
    )
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_flags, constants)
