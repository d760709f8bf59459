"""Change the code in small ways, one at a time, and print the changes that no test notices."""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.mutants.mutant import source_path
from tests.mutation.changed_lines import last_change, lines_changed_since
from tests.mutation.changing import Changed, changes
from tests.mutation.covering import Cover, files_of
from tests.mutation.outcomes import FOLDER, Equivalent, Kept, equivalents
from tests.mutation.packages import PACKAGES, ROOT, Package
from tests.mutation.running import Outcome, try_all


@dataclass
class _Result:
    package: Package
    changes: Sequence[Changed]
    equivalent: dict[str, Equivalent]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        return Counter(
            "equivalent" if change.key in self.equivalent else self.outcomes[change.key].how
            for change in self.changes
        )

    @property
    def survivors(self) -> list[Changed]:
        return [
            change
            for change in self.changes
            if change.key not in self.equivalent
            and self.outcomes[change.key].how in {"survived", "uncovered"}
        ]

    @property
    def percent(self) -> float:
        tried = len(self.changes) - self.counts["equivalent"]
        return 100.0 * (tried - len(self.survivors)) / tried if tried else 100.0


def main() -> int:
    """Try the changes that the command line asks for; returns the exit code."""
    asked = _asked()
    names = asked.package or list(PACKAGES)
    lines = lines_changed_since(asked.since or last_change()) if asked.changed or asked.since else None
    results = []
    for name in names:
        result = _run(PACKAGES[name], asked.module, lines, asked)
        if result.changes:
            results.append(result)
            _print_survivors(result)
    _print_table(results)
    return 1 if any(result.percent < result.package.target for result in results) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation",
        description=__doc__,
        epilog="Outcomes are kept in .mutation; a change of unchanged code is not tried again. "
        "Exit codes: 0 when each package reaches its target, 1 when one does not, 2 for wrong arguments, "
        "or when tests cannot be run.",
    )
    parser.add_argument("package", nargs="*", help=f"one of {', '.join(PACKAGES)} (all)", metavar="PACKAGE")
    parser.add_argument("--module", action="append", default=[], help="only this module, by its full name")
    parser.add_argument(
        "--changed", action="store_true", help="only functions that changed since the commit --since"
    )
    parser.add_argument("--since", help="a commit (HEAD if there are uncommitted changes, else HEAD~1)")
    parser.add_argument(
        "--again", action="store_true", help="try every change, also those whose outcome is known"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (%(default)s)"
    )
    asked = parser.parse_args()
    unknown = [name for name in asked.package if name not in PACKAGES]
    if unknown or asked.jobs < 1:
        parser.error(f"there is no package {unknown[0]}" if unknown else "--jobs must be at least 1")
    return asked


def _run(
    package: Package, modules: Sequence[str], lines: dict[str, list[range]] | None, asked: argparse.Namespace
) -> _Result:
    chosen = [
        change
        for module in package.modules()
        if not modules or module in modules
        for change in changes(module)
    ]
    everything = chosen if not modules else []
    if lines is not None:
        chosen = [change for change in chosen if _is_touched(change, lines)]
    if not chosen:
        return _Result(package, [], {})
    result = _Result(package, chosen, equivalents(package.name, everything or chosen) if not modules else {})
    cover = _cover(package)
    kept = Kept(package.name)
    for change in chosen:
        known = None if asked.again else kept.outcome(change, cover)
        if known is not None:
            result.outcomes[change.key] = known
    left = [c for c in chosen if c.key not in result.outcomes and c.key not in result.equivalent]
    by_key = {change.key: change for change in left}
    began = shown = time.monotonic()
    log = FOLDER / f"{package.name}.log"
    log.unlink(missing_ok=True)
    tried = 0
    for outcome in try_all(package, left, cover, asked.jobs, log):
        result.outcomes[outcome.key] = outcome
        kept.keep(outcome, by_key[outcome.key], cover)
        tried += 1
        if time.monotonic() - shown > (2.0 if sys.stdout.isatty() else 30.0):
            shown = time.monotonic()
            print(f"{package.name}: {tried} of {len(left)} tried, {shown - began:.0f} s", flush=True)
            kept.write()
    kept.write()
    print(
        f"{package.name}: {tried} tried in {time.monotonic() - began:.0f} s, {len(chosen) - tried} known",
        flush=True,
    )
    return result


def _is_touched(change: Changed, lines: dict[str, list[range]]) -> bool:
    file = str(source_path(change.module).relative_to(ROOT))
    first, last = change.lines
    return any(span.start <= last and first < span.stop for span in lines.get(file, ()))


def _cover(package: Package) -> Cover:
    """Measure which tests run what, in a process of its own, as far as code or tests changed since."""
    path, log = FOLDER / f"{package.name}.cover.json", FOLDER / f"{package.name}.cover.log"
    known = Cover.read(path)
    if (known.files, known.rest) != files_of(package):
        print(f"{package.name}: measuring which tests run what", flush=True)
        FOLDER.mkdir(exist_ok=True)
        program = (
            "from pathlib import Path; from tests.mutation.covering import measure; "
            "from tests.mutation.packages import PACKAGES; "
            f"measure(PACKAGES[{package.name!r}], Path({str(path)!r}))"
        )
        with log.open("w") as printed:
            command = [sys.executable, "-c", program]
            ran = subprocess.run(command, cwd=ROOT, stdout=printed, stderr=printed, check=False)
        if ran.returncode != 0:
            print(f"The tests of {package.name} cannot be run; see {log.relative_to(ROOT)}", file=sys.stderr)
            sys.exit(2)
        known = Cover.read(path)
    for test in known.failing:
        print(f"{package.name}: not used, as it fails without a change: {test}", flush=True)
    return known


def _print_survivors(result: _Result) -> None:
    for change in result.survivors:
        how = result.outcomes[change.key].how
        place = f"{change.module} {change.function or '(on import)'}, line {change.lines[0]}"
        print(f"\n{how}: {place}, {change.operator}")
        print(f"  - {change.before}\n  + {change.after}")


def _print_table(results: Sequence[_Result]) -> None:
    print(
        "\n| package | changes | killed | timeouts | survived | not covered | equivalent | noticed | target |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for result in results:
        counts = result.counts
        print(
            f"| {result.package.name} | {len(result.changes):,} | {counts['killed'] + counts['crashed']:,} "
            f"| {counts['timeout']} | {counts['survived']} | {counts['uncovered']} | {counts['equivalent']} "
            f"| {result.percent:.1f} % | {result.package.target} % |"
        )


if __name__ == "__main__":
    sys.exit(main())
