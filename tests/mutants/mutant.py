"""A mutant: a promise, the few lines of code that keep it, and wrong ones to put in their place."""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class StaleMutantError(Exception):
    """The code that a mutant changes is not there exactly once: write the mutant again."""


@dataclass(frozen=True)
class Change:
    """Text of a module, which must stand in it exactly once, and the text that replaces it."""

    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A change of meaning, and who must notice it.

    Args:
        name: Short name, unique in the catalogue.
        promise: What the product does, and stops doing with these changes.
        changes: What is changed.
        test: Node id of a test that must fail. It is run alone.
        simulated: Whether the simulation must notice it, too.
        contains: Name of a mutant whose changes are among these. What that one breaks alone does not count.
    """

    name: str
    promise: str
    changes: tuple[Change, ...]
    test: str
    simulated: bool = False
    contains: str = ""

    def sources(self) -> dict[str, str]:
        """Return the changed source text of each module. Raises StaleMutantError."""
        sources: dict[str, str] = {}
        for change in self.changes:
            text = sources.get(change.module) or source_path(change.module).read_text()
            if (found := text.count(change.old)) != 1:
                raise StaleMutantError(
                    f"mutant {self.name}: {change.old!r} stands {found} times in {change.module}"
                )
            sources[change.module] = text.replace(change.old, change.new)
        return sources


@cache
def source_path(module: str) -> Path:
    """Return the file of a module without importing it, or any package above it."""
    package, *parts = module.split(".")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StaleMutantError(f"there is no package {package}")
    path = Path(next(iter(spec.submodule_search_locations))).joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
