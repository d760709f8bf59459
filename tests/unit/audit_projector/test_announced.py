"""What announcements of one job say together: their events, if none is missing in between."""

from dataclasses import replace

import pytest

from audit_projector.announced import Announced, News, merged
from coordination.journal.rows import EventRow, JobRow

JOB = JobRow(job_id="j", kind="k", lock_name="l")
EVENT = EventRow("j", "l", 1, "Step", "", "", attempt=1, actor="", op_id="", hash="")


def announced(*numbers: int) -> Announced:
    """Return the announcement of events that follow from one another."""
    events = [replace(EVENT, seq=seq, hash=f"h{seq}", previous_hash=f"h{seq - 1}") for seq in numbers]
    return Announced("l", "j", numbers[0], numbers[-1], news=News(events, JOB))


def test_announcements_that_meet_are_one_whatever_their_order() -> None:
    for parts in ([announced(1, 2), announced(3, 4)], [announced(3, 4), announced(1, 2, 3)]):
        together = merged(parts)
        assert (together.first, together.last) == (1, 4)
        assert together.news is not None
        assert [event.seq for event in together.news.events] == [1, 2, 3, 4]


@pytest.mark.parametrize("parts", [[announced(1, 2), announced(4)], [announced(1), announced(3, 4)]])
def test_announcements_with_a_gap_are_read_from_the_journal(parts: list[Announced]) -> None:
    together = merged(parts)
    assert (together.first, together.last, together.news) == (1, 4, None)
