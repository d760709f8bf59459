"""Every kind of chaos, a little of it; `python -m tests.chaos` has more."""

import random
from collections.abc import Iterator

import pytest
from deploy.servers import private
from tests.chaos.cases import CASES
from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.sizes import TINY

#: Of the slowest machine: a case waits for four workers, for outages, and for what these have held up.
_LIMIT_SECONDS = 600

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(_LIMIT_SECONDS)]

_WORKERS = 4

#: Outages of broker and storage have tests of their own.
_NAMES = [name for name in CASES if name not in {"broker", "storm"}]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosStack]:
    private.ensure_installed()
    folder = tmp_path_factory.mktemp("chaos")
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite") as storage,
    ):
        made = ChaosStack(broker, storage, folder / "stack", _WORKERS, random.Random(1))
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.mark.parametrize("name", _NAMES)
def test_the_promises_are_kept_under(stack: ChaosStack, name: str) -> None:
    case = CASES[name](stack, TINY, random.Random(name), print)
    assert case.run(), "\n".join(case.wrong)
    assert case.accepted, "no job was accepted: this has shown nothing"
