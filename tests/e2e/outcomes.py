"""Whether a test has failed so far, for what fixtures do after it."""

import pytest

_FAILED = pytest.StashKey[bool]()


def note(item: pytest.Item, report: pytest.TestReport) -> None:
    """Remember a report of a test."""
    item.stash[_FAILED] = has_failed(item) or report.failed


def has_failed(item: pytest.Item) -> bool:
    """Return whether a test, or a fixture of it, has failed so far."""
    return item.stash.get(_FAILED, False)
