"""A case of chaos: faults while jobs come in, then peace, then the verdict."""

import math
import random
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.load import Accepted, Load
from tests.chaos.running_jobs import RunFinder
from tests.chaos.sizes import Sizes
from tests.chaos.verdict import Verdict, judge, wait_for_peace

#: How many locks the jobs of a case are spread over.
LOCKS = 50

Say = Callable[[str], None]


class Case(ABC):
    """One kind of faults. `figures` are printed in the last line, in that order."""

    name: ClassVar[str]
    #: Seconds that everything accepted may take to end, once the faults are over.
    patience: ClassVar[float] = 90.0

    def __init__(self, stack: ChaosStack, sizes: Sizes, chance: random.Random, say: Say) -> None:
        self.stack = stack
        self.sizes = sizes
        self.chance = chance
        self.say = say
        self.figures: dict[str, Any] = {}
        self.wrong: list[str] = []
        self.locks = [f"{self.name} {number}" for number in range(LOCKS)]
        self.accepted: dict[str, Accepted] = {}
        self.finder = RunFinder(stack, stack.folder / "effects.jsonl")

    @abstractmethod
    def play(self) -> None:
        """Submit jobs and cause faults; at its return all are over, except those of the network."""

    def assess(self, verdict: Verdict) -> None:  # noqa: B027 - not every case has promises of its own
        """Look at what this case alone promises."""

    def run(self) -> bool:
        """Play, wait for rest and judge; return whether all held."""
        began = time.monotonic()
        with self._what_fails_is_wrong():
            try:
                self.play()
            finally:
                self.stack.network.heal()
        self.figures["jobs"] = len(self.accepted)
        self.say("the faults are over")
        with self._what_fails_is_wrong():
            self.wrong += wait_for_peace(self.stack, self.patience)
        with self._what_fails_is_wrong():
            verdict = judge(self.stack, self.accepted.values())
            self.wrong += verdict.wrong
            self.figures |= verdict.figures
            self.assess(verdict)
        self.figures["seconds"] = round(time.monotonic() - began)
        return not self.wrong

    @contextmanager
    def _what_fails_is_wrong(self) -> Iterator[None]:
        """Note what ends the block; the next case is played all the same."""
        try:
            yield
        except AssertionError as error:
            self.wrong.append(str(error))
        except Exception as error:  # noqa: BLE001 - printed with all others
            self.wrong.append("".join(traceback.format_exception(error)))

    def load(
        self,
        count: int | None,
        per_second: float,
        parameters: Callable[[random.Random], dict[str, Any]],
        locks: int = LOCKS,
        budget: Callable[[], float] = lambda: math.inf,
        cancelled_share: float = 0.0,
    ) -> Load:
        """Return a load of errands; what it gets accepted, and what goes wrong, is counted to this case."""
        load = Load(
            self.stack.publisher.url,
            self.locks[:locks],
            parameters,
            count,
            per_second,
            random.Random(self.chance.random()),
            budget,
            cancelled_share,
        )
        load.accepted, load.wrong = self.accepted, self.wrong
        return load

    def steady(self, active: int) -> Callable[[], float]:
        """Return a budget that admits jobs as others end, so that about this number are not over."""
        budget: float = 0
        seen: list[str] | None = None

        def steady() -> float:
            nonlocal budget, seen
            found = self.stack.active_jobs()
            if found is not seen:
                budget, seen = len(self.accepted) + active - len(found), found
            return budget

        return steady

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(otherwise)

    @property
    def folder(self) -> Path:
        """Where everything is logged."""
        return self.stack.folder
