"""The stack of the end-to-end tests, started once and shared, with its logs at hand when a test fails."""

from collections.abc import Generator, Iterator

import pytest
from tests.e2e import outcomes
from tests.e2e.stack import Stack, running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the logs of all services to the report of a failed test."""
    report = yield
    outcomes.note(item, report)
    if report.failed:
        stack = item.stash.get(_STACK, None)
        if stack is not None:
            for service in stack.services():
                report.sections.append((f"log of {service.name}", service.log_tail()))
    return report


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the stack of all tests that ask for no other."""
    with running(tmp_path_factory.mktemp("e2e"), Stack) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Return the shared stack; what the test damages is replaced afterwards.

    The test fails when a service logs a traceback that is not among `expected_tracebacks`.
    """
    request.node.stash[_STACK] = shared_stack
    shared_stack.begin_test()
    yield shared_stack
    tracebacks = shared_stack.unexpected_tracebacks()
    shared_stack.end_test(has_failed=outcomes.has_failed(request.node))
    assert not tracebacks, "\n".join(tracebacks)


_STACK = pytest.StashKey[Stack]()
