"""Evidence of a run in which everything held, for tests that break it."""

from collections import Counter

import pytest
from loadtest.asked import Asked
from loadtest.book import Answer, Book
from loadtest.effects import Effects
from loadtest.evidence import Evidence
from loadtest.histories import history_of
from loadtest.proof import Proof
from tests.unit.loadtest.lives import life


@pytest.fixture
def evidence():
    """Two jobs under one lock, one after the other; the second fails as asked."""
    book = Book()
    for job_id, fails in (("one", False), ("two", True)):
        book.open(job_id, "ledger", Asked("ledger", fails=fails)).answers.append(Answer(202, 0.1))
    lives = {
        "one": history_of("one", life("one", 0, 1, 2, fence=1)),
        "two": history_of("two", life("two", 0, 2.5, 3, fence=2, end="Failed")),
    }
    ended = {job_id: history for job_id, history in lives.items() if history is not None}
    effects = Effects({"one": Counter({"effect 1": 1}), "two": Counter({"effect 1": 1})})
    return Evidence(
        book, ended, effects, Proof(holds=True, counts={"accepted": 2, "jobs": 2}), patience_seconds=60
    )
