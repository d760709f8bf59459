"""The names of one installation's tables and container, so that several can share a storage account."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class StorageNames:
    """Names; `prefix` leads every one of them. Raises ValueError when the store could not accept one.

    Tables take 3 to 63 letters and digits, led by a letter; the container takes 3 to 63 lower-case letters,
    digits and single dashes.
    """

    prefix: str = ""
    journal: str = "Journal"
    index: str = "JobIndex"
    locks: str = "locks"

    def __post_init__(self) -> None:
        for name in (self.journal_table, self.index_table):
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,62}", name):
                raise ValueError(f"{name!r} cannot be the name of a table")
        if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", self.lock_container):
            raise ValueError(f"{self.lock_container!r} cannot be the name of a container")

    @property
    def journal_table(self) -> str:
        """The authoritative table."""
        return self.table(self.journal)

    @property
    def index_table(self) -> str:
        """The register of all jobs."""
        return self.table(self.index)

    @property
    def lock_container(self) -> str:
        """The container with one blob per lock."""
        return f"{self.prefix}{self.locks}".lower()

    def table(self, name: str) -> str:
        """Give the full name of another table of this installation."""
        return f"{self.prefix}{name}"
