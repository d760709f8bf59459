"""What the effect sink saw, from its ledger."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Effects:
    """The effects of a run, by job."""

    #: How often each step of each job had its effect: {job: {step: times}}.
    accepted: dict[str, Counter[str]] = field(default_factory=dict)
    #: How often runs were refused an effect: {(job, slot, fence): times}.
    refused: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    #: Lines that are not effects.
    unreadable: int = 0

    @property
    def accepted_count(self) -> int:
        """How many effects were accepted."""
        return sum(steps.total() for steps in self.accepted.values())


def size_of(ledger: Path) -> int:
    """Return where a ledger ends now, for `part_since`."""
    return ledger.stat().st_size if ledger.exists() else 0


def part_since(ledger: Path, start: int, folder: Path) -> Path:
    """Return a ledger of what was written after `start`: this one, or a new one in the folder."""
    if start == 0:
        return ledger
    part = folder / "effects-of-this-run.jsonl"
    with ledger.open("rb") as file:
        file.seek(start)
        part.write_bytes(file.read())
    return part


def read_effects(ledger: Path) -> Effects:
    """Read a ledger; one that does not exist is empty."""
    effects = Effects()
    if not ledger.exists():
        return effects
    with ledger.open() as file:
        for line in file:
            try:
                effect = json.loads(line)
                job, step, is_accepted = effect["job"], effect["step"], effect["accepted"]
                run = job, effect.get("slot", 0), effect["fence"]
            except (ValueError, KeyError, TypeError):
                effects.unreadable += 1
                continue
            if is_accepted:
                effects.accepted.setdefault(job, Counter())[step] += 1
            else:
                effects.refused[run] += 1
    return effects
