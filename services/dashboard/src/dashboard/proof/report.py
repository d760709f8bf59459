"""A finished check as the page reads it: the document of its verdict, its fingerprint, and its files."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from contracts import lock_names
from proof import Asked, Check, page_text, report_text
from verification import Invariant, Result


@dataclass(frozen=True)
class Report:
    """A finished check with a result."""

    check: Check

    @property
    def asked(self) -> Asked:
        """The lock and the period."""
        return self.check.asked

    @property
    def read_at(self) -> datetime:
        """When the records were read."""
        return self.check.began_at

    @property
    def document(self) -> Mapping[str, Any]:
        """The verdict, as `turnstile verify --json` has it."""
        found: Mapping[str, Any] = self.check.result["verdict"]
        return found

    @property
    def counts(self) -> Mapping[str, int]:
        """How many jobs, runs, events and so on there are."""
        found: Mapping[str, int] = self.document["counts"]
        return found

    @property
    def numbers(self) -> Mapping[str, Any]:
        """What was compared."""
        found: Mapping[str, Any] = self.document["numbers"]
        return found

    @property
    def violations(self) -> Sequence[Mapping[str, Any]]:
        """What was found, the first of each rule; of two that overlapped before all others."""
        found: Sequence[Mapping[str, Any]] = self.document["violations"]
        return sorted(found, key=lambda violation: violation["invariant"] != Invariant.EXCLUSION)

    @property
    def runs(self) -> Sequence[Mapping[str, Any]]:
        """The runs to draw."""
        found: Sequence[Mapping[str, Any]] = self.check.result["runs"]
        return found

    @property
    def take_overs(self) -> Sequence[Mapping[str, Any]]:
        """The take-overs among these runs, in the order of their fences."""
        found: Sequence[Mapping[str, Any]] = self.check.result["take_overs"]
        return found

    @property
    def left_out(self) -> int:
        """How many runs are not among those to draw."""
        return int(self.check.result["left_out"])

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return bool(self.document["holds"])

    def result(self, invariant: Invariant) -> Result:
        """Return what came of a rule."""
        return Result(self.document["results"][invariant.value])

    @property
    def tally(self) -> Counter[Result]:
        """How many rules came to each result."""
        return Counter(self.result(invariant) for invariant in Invariant)

    # --- files --------------------------------------------------------------------

    @cached_property
    def text(self) -> str:
        """The JSON document, as `turnstile verify --json` prints it."""
        return report_text(self.document)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the JSON document, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def page(self) -> str:
        """Return the page for others."""
        return page_text(self.check.result)

    def file_name(self, ending: str) -> str:
        """Return a name for a file with this report: safe on every system, and different for each lock."""
        moment = self.read_at.astimezone(UTC).strftime("%Y-%m-%dT%H%MZ")
        return f"turnstile-proof-{lock_names.partition(self.asked.lock)[:60]}-{moment}.{ending}"

    @property
    def command(self) -> str:
        """The command that comes to the same, one word a line."""
        return f"{self.asked.command} --html verdict.html"
