"""What the tests of broken histories share: each history breaks one invariant, and no other must be named."""

from collections.abc import Callable

from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

Breaks = Callable[[], Records]

#: The jobs of an eventful history.
FIRST, SECOND, THIRD = (job_id(number) for number in range(1, 4))


def without(author: Author, key: str) -> Records:
    """Give the records of a history in which a row is missing, and no other tells of it."""
    del author.rows[key]
    return Records(author)
