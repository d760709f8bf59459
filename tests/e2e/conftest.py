"""The stack of the end-to-end tests, started once and shared, with its logs at hand when a test fails."""

from collections.abc import Generator, Iterator

import pytest
from deploy.servers import private
from tests.e2e.stack import Stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the logs of all services to the report of a failed test."""
    report = yield
    item.stash.setdefault(_FAILED, False)
    if report.failed:
        item.stash[_FAILED] = True
        stack = item.stash.get(_STACK, None)
        if stack is not None:
            for service in stack.services():
                report.sections.append((f"log of {service.name}", service.log_tail()))
    return report


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the services on servers of their own, as some tests kill and freeze these."""
    private.ensure_installed()
    folder = tmp_path_factory.mktemp("e2e")
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite", in_memory=True) as storage,
    ):
        stack = Stack(broker, storage, folder / "stack")
        try:
            stack.start()
            yield stack
        finally:
            stack.close()


@pytest.fixture
def stack(shared_stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Return the shared stack; what the test damages is replaced afterwards.

    The test fails when a service logs a traceback that is not among `expected_tracebacks`.
    """
    request.node.stash[_STACK] = shared_stack
    shared_stack.begin_test()
    yield shared_stack
    tracebacks = shared_stack.unexpected_tracebacks()
    shared_stack.end_test(has_failed=request.node.stash.get(_FAILED, False))
    assert not tracebacks, "\n".join(tracebacks)


_FAILED = pytest.StashKey[bool]()
_STACK = pytest.StashKey[Stack]()
