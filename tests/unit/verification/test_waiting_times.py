"""How long jobs waited in line: since their submission, and after an interruption since that."""

from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import Author
from tests.unit.verification.records import Records


async def test_a_job_that_was_interrupted_waits_in_line_from_its_interruption_on() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.pause(100)
    author.interrupt(job, died=True)
    author.pause(7)
    author.start(job)
    author.end(job)
    verdict = await verdict_on(Records(author))
    assert (verdict.in_line.count, verdict.in_line.p50, verdict.in_line.max) == (2, 0.1, 7.1)
