"""Puts a mutant in place of the code: in this process, before the modules that it changes are imported."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType

from tests.mutants.mutant import Mutant, source_path


class _ChangedSource(importlib.machinery.SourceFileLoader):
    """Loads a module from changed text under the name of its file, past any cached byte code."""

    def __init__(self, module: str, text: str) -> None:
        super().__init__(module, str(source_path(module)))
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._text.encode(), self.path)


class _ChangedSources(importlib.abc.MetaPathFinder):
    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._sources:
            return None
        loader = _ChangedSource(fullname, self._sources[fullname])
        return importlib.util.spec_from_file_location(fullname, loader.path, loader=loader)


def switch_to(mutant: Mutant) -> None:
    """Have the mutant's modules loaded with its changes from now on.

    Raises StaleMutantError, and RuntimeError when one of them is imported already.
    """
    switch_sources(mutant.sources())


def switch_sources(sources: dict[str, str]) -> None:
    """Have modules loaded from these texts. Raises RuntimeError when one of them is imported already."""
    imported = sources.keys() & sys.modules.keys()
    if imported:
        raise RuntimeError(f"too late to change {', '.join(sorted(imported))}: it is imported")
    sys.meta_path.insert(0, _ChangedSources(sources))
