"""What goes on beside the submissions: prepared before them, and tidied up after them."""

from random import Random
from unittest.mock import Mock

import gevent
import pytest
from loadtest.actions import ActionError
from loadtest.companions import Companions
from loadtest.scenario import Scenario


class Recorded(Scenario):
    """Remembers what it did."""

    def __init__(self, fails_in=""):
        self.done = []
        self._fails_in = fails_in

    def accompany(self, actions, random):
        """Do what a scenario may do, one thing after the other."""
        self._do("prepare")
        try:
            while True:
                yield 0.01
                self._do("act")
        finally:
            self._do("tidy up")

    def _do(self, what):
        if what == self._fails_in:
            raise ActionError(what)
        self.done.append(what)


def companions(*scenarios):
    return Companions(scenarios, lambda scenario: Mock(), None, Random(1), 1)


def test_a_scenario_prepares_before_and_tidies_up_after_the_submissions():
    scenario = Recorded()
    running = companions(scenario)
    assert not running.are_prepared
    gevent.sleep(0)
    assert running.are_prepared
    with gevent.Timeout(30):
        while "act" not in scenario.done:
            gevent.sleep(0.01)
    running.stop()
    assert (scenario.done[0], scenario.done[-1], scenario.done.count("tidy up")) == ("prepare", "tidy up", 1)
    assert running.trouble is None


def test_a_scenario_without_anything_to_do_is_prepared():
    running = companions(Scenario())
    running.stop()
    assert running.are_prepared
    assert running.trouble is None


@pytest.mark.parametrize("what", ["prepare", "act", "tidy up"])
def test_what_could_not_be_done_leaves_no_verdict(what):
    scenario = Recorded(fails_in=what)
    running = companions(scenario)
    with gevent.Timeout(30):
        while running.trouble is None and "act" not in scenario.done:
            gevent.sleep(0.01)
    running.stop()
    assert running.trouble == what
    assert running.are_prepared
    assert ("tidy up" in scenario.done) is (what == "act")


def test_a_scenario_that_is_broken_is_not_overlooked(capsys):
    class Broken(Scenario):
        def accompany(self, actions, random):
            """Fail."""
            raise ZeroDivisionError
            yield

    running = companions(Broken())
    gevent.sleep(0)
    assert running.are_prepared
    with pytest.raises(ZeroDivisionError):
        running.stop()
