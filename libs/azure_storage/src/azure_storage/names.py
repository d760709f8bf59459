"""The names of one installation's tables and container, so that several can share a storage account."""

import re
from dataclasses import dataclass

#: The authoritative table, the register of all jobs, and the schedules of recurring ones.
JOURNAL, INDEX, SCHEDULES = "Journal", "JobIndex", "Schedules"


@dataclass(frozen=True)
class StorageNames:
    """Names; `prefix` leads every one of them. Raises ValueError when the store could not accept them.

    A table's name has 3 to 63 letters and digits and begins with a letter; a container's is in lower case.
    """

    prefix: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([A-Za-z][A-Za-z0-9]{0,39})?", self.prefix):
            raise ValueError(
                f"{self.prefix!r} cannot lead the names of tables: use up to 40 letters and digits"
            )

    @property
    def journal_table(self) -> str:
        """The authoritative table."""
        return self.table(JOURNAL)

    @property
    def index_table(self) -> str:
        """The register of all jobs."""
        return self.table(INDEX)

    @property
    def schedule_table(self) -> str:
        """The schedules."""
        return self.table(SCHEDULES)

    @property
    def lock_container(self) -> str:
        """The container with one blob per lock."""
        return f"{self.prefix}locks".lower()

    def table(self, name: str) -> str:
        """Return the full name of another table of this installation."""
        return f"{self.prefix}{name}"
