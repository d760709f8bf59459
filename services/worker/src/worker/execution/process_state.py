"""What a job can change in its process: each function remembers one thing and returns how to put it back.

What is put back raises an error if it cannot be; then the process is of no use to another job.
"""

import locale
import os
import resource
import signal
import socket
import sys
import threading
import time
import warnings
from asyncio import get_running_loop
from collections.abc import Callable

from worker.execution.process_limits import print_stacks_when_asked

PutBack = Callable[[], None]

_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
#: Those without the real-time signals, which hardly anyone uses, and whose state takes as long to read.
_SIGNALS = [number for number in signal.valid_signals() if number < signal.SIGRTMIN]
_LIMITS = {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}


def environment() -> PutBack:
    """Remember the environment variables, and with TZ the time zone."""
    variables = os.environ  # noqa: TID251 - a handler's, not settings
    before = dict(variables)

    def put_back() -> None:
        now = dict(variables)
        for name in now.keys() - before.keys():
            del variables[name]
        for name, value in before.items():
            if now.get(name) != value:
                variables[name] = value
        time.tzset()

    return put_back


def folder() -> PutBack:
    """Remember the working directory."""
    try:
        before = os.getcwd()  # noqa: PTH109 - its text is all that is needed
    except FileNotFoundError:
        return lambda: None  # it was removed
    return lambda: os.chdir(before)


def umask() -> PutBack:
    """Remember the mask of new files' permissions."""
    before = os.umask(0o077)
    os.umask(before)
    return lambda: void(os.umask(before))


def locale_settings() -> PutBack:
    """Remember the locale."""
    before = locale.setlocale(locale.LC_ALL)

    def put_back() -> None:
        if locale.setlocale(locale.LC_ALL) != before:
            locale.setlocale(locale.LC_ALL, before)

    return put_back


def signals() -> PutBack:
    """Remember the handlers of signals, which signals are blocked, and that no alarm is set."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None  # only the main thread may change them
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    timers = [timer for timer in _TIMERS if signal.getitimer(timer) == (0, 0)]

    def put_back() -> None:
        for timer in timers:
            signal.setitimer(timer, 0)
        for number, handler in handlers.items():
            if signal.getsignal(number) != handler:
                get_running_loop().remove_signal_handler(number)
                signal.signal(number, handler)
                if number == signal.SIGUSR1:
                    print_stacks_when_asked()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    return put_back


def limits() -> PutBack:
    """Remember the limits of resources."""
    before = {limit: resource.getrlimit(limit) for limit in _LIMITS}

    def put_back() -> None:
        for limit, values in before.items():
            if resource.getrlimit(limit) != values:
                resource.setrlimit(limit, values)

    return put_back


def warning_filters() -> PutBack:
    """Remember which warnings are shown, and how."""
    remembered = warnings.catch_warnings()
    remembered.__enter__()
    return lambda: remembered.__exit__(None, None, None)


def standard_streams() -> PutBack:
    """Remember the standard streams."""
    before = sys.stdin, sys.stdout, sys.stderr

    def put_back() -> None:
        sys.stdin, sys.stdout, sys.stderr = before
        if any(getattr(stream, "closed", False) for stream in before):
            raise ValueError("closed")

    return put_back


def interpreter() -> PutBack:
    """Remember how deep calls may nest, and how long sockets wait by default."""
    depth, seconds = sys.getrecursionlimit(), socket.getdefaulttimeout()

    def put_back() -> None:
        sys.setrecursionlimit(depth)
        socket.setdefaulttimeout(seconds)

    return put_back


def void(_: object) -> None:
    """Return nothing."""
