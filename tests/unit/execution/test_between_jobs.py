"""What a job changed in its process is put back before the next job."""

import asyncio
import locale
import logging
import logging.config
import os
import resource
import select
import signal
import socket
import sys
import time
import warnings

import pytest

from turnstile import JobContext, SyncJobContext, job
from worker.execution import between_jobs, process_state
from worker.execution.between_jobs import BetweenJobs
from worker.execution.forks import PolledFiles
from worker.execution.logging_state import remember_logging


def test_variables_and_the_time_zone_are_put_back(monkeypatch):
    monkeypatch.setenv("STAYS", "1")
    monkeypatch.setenv("GOES", "1")
    zone = time.tzname
    back = process_state.environment()
    os.environ["STAYS"] = "2"
    del os.environ["GOES"]
    os.environ["COMES"] = "1"
    os.environ["TZ"] = "XYZ-5"
    time.tzset()
    assert time.tzname != zone
    back()
    assert (os.environ["STAYS"], os.environ["GOES"], os.environ.get("COMES")) == ("1", "1", None)
    assert (time.tzname, os.environ.get("TZ")) == (zone, None)


def test_the_working_directory_is_put_back(tmp_path):
    before = os.getcwd()  # noqa: PTH109
    back = process_state.folder()
    os.chdir(tmp_path)
    back()
    assert os.getcwd() == before  # noqa: PTH109


def test_the_umask_is_put_back():
    before = os.umask(0o022)
    try:
        back = process_state.umask()
        os.umask(0o007)
        back()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_the_locale_is_put_back():
    back = process_state.locale_settings()
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if before == "C" else "C")
    back()
    assert locale.setlocale(locale.LC_ALL) == before


async def test_signals_and_alarms_are_put_back():
    before = signal.getsignal(signal.SIGUSR2)
    back = process_state.signals()
    signal.signal(signal.SIGUSR2, lambda *_: None)
    asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, print)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    back()
    assert (signal.getsignal(signal.SIGUSR2), signal.getsignal(signal.SIGWINCH)) == (before, signal.SIG_DFL)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    assert signal.SIGUSR2 not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_limits_and_defaults_are_put_back():
    limit = resource.getrlimit(resource.RLIMIT_CPU)
    depth = sys.getrecursionlimit()
    backs = process_state.limits(), process_state.interpreter()
    resource.setrlimit(resource.RLIMIT_CPU, (100_000, limit[1]))
    sys.setrecursionlimit(depth + 1)
    socket.setdefaulttimeout(3)
    for back in backs:
        back()
    assert resource.getrlimit(resource.RLIMIT_CPU) == limit
    assert (sys.getrecursionlimit(), socket.getdefaulttimeout()) == (depth, None)


def test_warnings_are_put_back():
    back = process_state.warning_filters()
    warnings.simplefilter("ignore")
    back()
    with pytest.raises(UserWarning):
        warnings.warn("an error, as the tests want it", UserWarning, stacklevel=1)


def test_a_standard_stream_that_was_replaced_is_put_back_and_one_that_was_closed_is_refused(
    monkeypatch, tmp_path
):
    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        back = process_state.standard_streams()
        sys.stdout = None
        back()
        assert sys.stdout is file
    with pytest.raises(ValueError, match="closed"):
        back()


@pytest.fixture
def library(request):
    """A logger with a configuration of its own."""
    logger = logging.getLogger(f"library.{request.node.name}")
    logger.setLevel(logging.WARNING)
    yield logger
    logger.setLevel(logging.NOTSET)


def test_the_configuration_of_logging_is_put_back(library):
    root = logging.getLogger()
    level, handlers, factory = root.level, list(root.handlers), logging.getLogRecordFactory()
    handler_levels = [handler.level for handler in handlers]
    put_back = remember_logging()
    logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL", "handlers": []}})
    logging.disable(logging.CRITICAL)
    logging.setLogRecordFactory(print)
    library.addHandler(logging.NullHandler())
    library.propagate = False
    made = logging.getLogger(f"{library.name}.made")
    made.setLevel(logging.CRITICAL)
    for handler in handlers:
        handler.setLevel(logging.CRITICAL)
    put_back()
    assert (root.level, root.handlers, logging.getLogRecordFactory()) == (level, handlers, factory)
    assert [handler.level for handler in handlers] == handler_levels
    assert logging.root.manager.disable == logging.NOTSET
    assert (library.level, library.handlers, library.propagate, library.disabled) == (
        logging.WARNING,
        [],
        True,
        False,
    )
    assert (made.level, made.disabled) == (logging.NOTSET, False)


async def test_a_job_that_silences_logging_silences_neither_its_own_error_nor_the_next(serve, caplog):
    @job("silences")
    async def silences(ctx: JobContext):
        logging.config.dictConfig({"version": 1, "root": {"level": "CRITICAL", "handlers": []}})
        raise RuntimeError("seen")

    @job("raises")
    def raises(ctx: SyncJobContext):
        raise RuntimeError("seen, too")

    served = serve(silences, raises)
    await served.run("silences")
    await served.run("raises", run=2)
    assert caplog.messages.count("handler raised") == 2


async def test_what_cannot_be_put_back_replaces_the_runner_with_the_reason(serve, monkeypatch):
    def remember():
        def put_back():
            raise ValueError("not allowed")

        return put_back

    @job("a")
    async def body(ctx: JobContext): ...

    monkeypatch.setitem(between_jobs._PARTS, "umask", remember)
    done = await serve(body).run("a")
    assert (done.result, done.is_tainted) == ("null", False)
    assert done.replace_because == "it changed what cannot be put back: umask (not allowed)"


async def test_a_change_of_what_the_loop_waits_for_replaces_the_runner():
    loop = asyncio.get_running_loop()
    between = BetweenJobs()
    between.remember()
    fd = next(iter(loop._selector.get_map()))
    shared = select.epoll.fromfd(os.dup(loop._selector.fileno()))
    assert not PolledFiles(loop).are_changed
    shared.modify(fd, select.EPOLLIN | select.EPOLLOUT)
    assert between.put_back() == ["a process that it forked changed what the event loop waits for"]
    shared.modify(fd, select.EPOLLIN)
    assert between.put_back() == []


async def test_a_loop_whose_list_is_not_shown_is_not_judged(monkeypatch):
    monkeypatch.setattr(PolledFiles, "_shown", lambda self: None)
    assert not PolledFiles(asyncio.get_running_loop()).are_changed


async def test_files_that_are_left_open_replace_the_runner_when_they_are_half_of_the_limit(monkeypatch):
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    counts = [10, limit // 2 + 1]
    monkeypatch.setattr(between_jobs, "_open_files", lambda: counts.pop(0))
    between = BetweenJobs()
    between.remember()
    assert between.put_back() == [f"{limit // 2 + 1} files are open, more than half of the limit of {limit}"]


@pytest.mark.parametrize("earlier", [9, 10])
async def test_open_files_that_are_few_or_no_more_than_before_are_left_alone(monkeypatch, earlier):
    monkeypatch.setattr(between_jobs.resource, "getrlimit", lambda which: (earlier * 2, 1000))
    counts = [earlier, earlier]
    monkeypatch.setattr(between_jobs, "_open_files", lambda: counts.pop(0))
    monkeypatch.setattr(between_jobs, "_PARTS", {})
    between = BetweenJobs()
    between.remember()
    assert between.put_back() == []
