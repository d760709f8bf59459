"""A few seeds, in the process that runs the tests: for trying many changes of the code, one at a time."""

import pytest
from tests.simulation.seeds import play_seeds


@pytest.mark.parametrize("first", range(0, 30, 6))
def test_six_seeds_hold(first: int) -> None:
    assert not play_seeds(range(first, first + 6)).failures
