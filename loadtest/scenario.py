"""What a load scenario is, and finding all there are."""

import importlib
import inspect
import pkgutil
from collections.abc import Generator, Iterator
from random import Random
from typing import ClassVar, Protocol

from loadtest.actions import Actions
from loadtest.asked import Asked


class ScenarioError(Exception):
    """A scenario cannot be used; the text names its file."""


class Faults(Protocol):
    """The harm that a scenario can do to the stack it loads."""

    def kill_worker(self) -> None:
        """Kill a random worker; the stack starts it again."""

    def stop_worker(self) -> None:
        """Stop a worker in order, and start it again."""

    def restart_broker(self) -> None:
        """Kill RabbitMQ and let it start again."""

    def restart_scheduler(self) -> None:
        """Kill the scheduler, as by a power cut, and let it start again."""


class Scenario:
    """A way to load a stack. A file in `scenarios` has one subclass; its docstring begins with a title.

    An object lives as long as one run, and may keep what it needs to decide what to ask for next.
    """

    #: How many users submit at the same time, each as soon as its last submission is answered.
    users: ClassVar[int] = 10
    #: How many jobs a user submits in one request; above 1, every job is asked for with one copy.
    batch: ClassVar[int] = 1
    #: Submissions end after this number of jobs, or of seconds.
    jobs: ClassVar[int] = 300
    seconds: ClassVar[float] = 30.0
    #: Whether they are spread evenly over these seconds, instead of being sent as fast as they are answered.
    is_spread: ClassVar[bool] = False
    #: How long the accepted jobs may take to end, once all are submitted, and then the audit trail.
    patience_seconds: ClassVar[float] = 180.0
    #: How many windows of the dashboard are open meanwhile.
    viewers: ClassVar[int] = 0
    #: Whether runs are cut off, so that a step may have its effect twice, and a stale one may be refused.
    interrupts: ClassVar[bool] = False

    @classmethod
    def name(cls) -> str:
        """Return the name, which is that of the file."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def title(cls) -> str:
        """Return the first line of the docstring."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0].rstrip(".")

    def ask(self, random: Random) -> Asked:
        """Return what to submit next."""
        raise NotImplementedError

    def accompany(self, actions: Actions, random: Random) -> Generator[float]:
        """Do with the API what its users do not.

        What comes before the first `yield` is done before the first submission. Each `yield` says how many
        seconds to wait. When there is no more to submit, the generator is closed, and tidies up in `finally`.
        """
        yield from ()

    def disturb(self, faults: Faults, random: Random) -> Iterator[float]:
        """Do harm while the load lasts; yields how many seconds to wait in between."""
        return iter(())

    @classmethod
    def disturbs(cls) -> bool:
        """Return whether it does harm, for which the stack must be one of this folder."""
        return cls.disturb is not Scenario.disturb


def discover(package: str = "loadtest.scenarios") -> dict[str, type[Scenario]]:
    """Find all scenarios by name. Raises ScenarioError for a file that has none, or several."""
    found = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        loaded = importlib.import_module(f"{package}.{module.name}")
        own = [
            value
            for value in vars(loaded).values()
            if inspect.isclass(value) and issubclass(value, Scenario) and value.__module__ == loaded.__name__
        ]
        if len(own) != 1:
            raise ScenarioError(f"{loaded.__file__} must have one Scenario, but has {len(own)}")
        if not own[0].title():
            raise ScenarioError(f"{loaded.__file__}: {own[0].__name__} has no docstring with a title")
        found[module.name] = own[0]
    return found
