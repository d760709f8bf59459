"""The plan of one run: what `python -m loadtest` passes to the Locust process, in a file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


class PlanError(Exception):
    """There is no usable plan."""


@dataclass(frozen=True)
class Plan:
    """All that a run has to know. Paths are texts, as they go through JSON."""

    #: Where the API is.
    url: str
    #: Where jobs send their effects, as the workers see it, and the file in which they can be read.
    sink: str
    ledger: str
    #: The folder for everything that the run leaves.
    results: str
    thresholds: str
    #: The checker's command.
    verify: list[str]
    seed: int
    #: Instead of the scenario's own, when given.
    jobs: int | None = None
    seconds: float | None = None
    #: native or docker when the stack was started here, so that faults can be caused; None elsewhere.
    runtime: str | None = None
    workers: int = 0
    #: Services' metrics, by service: storage calls are counted there.
    metrics: dict[str, list[str]] = field(default_factory=dict)
    #: Where the dashboard is.
    dashboard: str | None = None
    #: Where people look at traces.
    jaeger: str | None = None

    def write(self, file: Path) -> None:
        """Write the plan, so that no process reads half of it."""
        half_made = file.with_suffix(".part")
        half_made.write_text(json.dumps(asdict(self), indent=1))
        half_made.rename(file)

    @classmethod
    def read(cls, file: Path) -> "Plan":
        """Read a plan. Raises PlanError."""
        try:
            document: Any = json.loads(file.read_text())
            return cls(**document)
        except (OSError, ValueError, TypeError) as error:
            raise PlanError(f"{file} is not a plan: {error}. Start with `python -m loadtest`.") from None

    @property
    def verdict_file(self) -> Path:
        """The file that gets the verdict."""
        return Path(self.results) / "verdict.json"
