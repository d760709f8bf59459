"""A command line with its environment, as supervisord and the tests both start it."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """What to run, where, and with which additions to the environment."""

    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=Path.cwd)
    #: Signal that the process gets when its parent dies, so that a killed parent leaves nothing behind.
    when_orphaned: str | None = None

    def argv(self) -> list[str]:
        """Return the words to execute."""
        if self.when_orphaned is None:
            return list(self.arguments)
        return ["setpriv", "--pdeathsig", self.when_orphaned, "--", *self.arguments]
