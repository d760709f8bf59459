"""What a check is asked: one lock and a period, in words that a process of its own understands."""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import lock_names
from coordination.journal.events import timestamp
from verification import Question, Scope


@dataclass(frozen=True)
class Asked:
    """One lock, by its normalised name, and a period in UTC."""

    lock: str
    since: datetime | None = None
    until: datetime | None = None

    @property
    def question(self) -> Question:
        """What the checker is asked."""
        return Question(Scope((self.lock,), self.since, self.until))

    @property
    def words(self) -> list[str]:
        """The words of a command line; one each, so that a name may begin with a hyphen."""
        words = [f"--lock={self.lock}"]
        if self.since is not None:
            words.append(f"--since={timestamp(self.since)}")
        if self.until is not None:
            words.append(f"--until={timestamp(self.until)}")
        return words

    @property
    def command(self) -> str:
        """The command that comes to the same, for a shell."""
        return shlex.join(["turnstile", "verify", *self.words])


def read_words(words: Sequence[str] | None = None) -> tuple[Asked, bool]:
    """Return what is asked, and whether the process must end when its standard input does."""
    parser = argparse.ArgumentParser(
        prog="python -m proof",
        description="Check one lock and print JSON lines: progress, and then the result. "
        "The storage is that of TURNSTILE_STORAGE_CONNECTION_STRING and TURNSTILE_STORAGE_NAMESPACE.",
    )
    parser.add_argument("--lock", required=True, type=lock_names.normalise)
    parser.add_argument("--since", type=datetime.fromisoformat, help="in UTC, as 2026-11-21T08:00Z")
    parser.add_argument("--until", type=datetime.fromisoformat)
    parser.add_argument(
        "--ends-with-input", action="store_true", help="end at once when standard input is closed"
    )
    given = parser.parse_args(words)
    return Asked(given.lock, given.since, given.until), given.ends_with_input
