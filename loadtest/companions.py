"""What goes on beside the submissions: what scenarios do with the API, and the harm that they do."""

from collections.abc import Callable, Iterable
from random import Random

import gevent
from gevent.event import Event

from loadtest.actions import ActionError, Actions
from loadtest.faults import FaultError, StackFaults
from loadtest.scenario import Scenario


class Companions:
    """Runs what accompanies scenarios, from now until `stop`."""

    def __init__(
        self,
        scenarios: Iterable[Scenario],
        actions: Callable[[Scenario], Actions],
        faults: StackFaults | None,
        harm: Random,
        seed: int,
    ) -> None:
        #: Why the run proves nothing; None unless something went wrong.
        self.trouble: str | None = None
        self._is_over = Event()
        self._actions = {scenario: actions(scenario) for scenario in scenarios}
        self._unprepared = set(self._actions)
        self._faults = faults
        self._greenlets = [
            greenlet
            for scenario, own in self._actions.items()
            for greenlet in (
                # Each has chances of its own, so that a seed does the same, independent of the submissions.
                gevent.spawn(self._accompany, scenario, own, Random(seed)),
                gevent.spawn(self._disturb, scenario, harm),
            )
        ]

    @property
    def actions(self) -> list[Actions]:
        """What the scenarios did."""
        return list(self._actions.values())

    @property
    def are_prepared(self) -> bool:
        """Whether all is there that must be there before the first submission."""
        return not self._unprepared

    def stop(self) -> None:
        """End all, and wait until that is done. Raises what else than an ActionError a scenario raised."""
        self._is_over.set()
        gevent.joinall(self._greenlets, raise_error=True)

    def _accompany(self, scenario: Scenario, actions: Actions, random: Random) -> None:
        try:
            steps = scenario.accompany(actions, random)
            for pause in steps:
                self._unprepared.discard(scenario)
                if self._is_over.wait(pause):
                    break
            steps.close()
        except ActionError as error:
            self.trouble = str(error)
        finally:
            self._unprepared.discard(scenario)

    def _disturb(self, scenario: Scenario, random: Random) -> None:
        if not scenario.disturbs():
            return
        if self._faults is None:
            self.trouble = f"{scenario.name()} does harm, which is done only to a stack of this folder."
            return
        while not self.are_prepared:
            gevent.sleep(0.1)
        try:
            for pause in scenario.disturb(self._faults, random):
                if self._is_over.wait(pause):
                    break
        except FaultError as error:
            self.trouble = str(error)
