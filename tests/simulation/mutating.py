"""A pytest plugin that takes one rule of the protocol away: `-p tests.simulation.mutating --mutant NAME`."""

from collections.abc import Iterator

import pytest
from tests.simulation.mutants import MUTANTS, mutated


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutant", choices=sorted(MUTANTS), required=True)


@pytest.fixture(autouse=True)
def _mutated(request: pytest.FixtureRequest) -> Iterator[None]:
    with mutated(request.config.getoption("--mutant")):
        yield
