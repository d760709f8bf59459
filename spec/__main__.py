"""Checks the model: `python -m spec [--quick] [--case NAME [--trail]]`.

The exit code is 0 if all is as expected, 1 if not, and 2 if it could not be checked.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.errors import InstallError
from deploy.servers.installation import ensure_spin

from spec.cases import ALL, Case
from spec.checking import Finding, SpinError, check
from spec.counterexample import readable

_ROW = "{:<36} {:<44} {:<9} {:<11} {:>10} {:>6} {:>8}"


def main() -> int:
    """Check the cases asked for, side by side, and print the table."""
    arguments = _arguments()
    cases = [case for case in ALL if _is_asked(case, arguments)]
    if not cases:
        names = "\n  ".join(case.name for case in ALL)
        print(f"There is no such case. There are:\n  {names}", file=sys.stderr)
        return 2
    try:
        ensure_spin()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 2
    print("2 workers, one lock. Each fault happens at most as often as its bound says, at every moment.")
    print(_ROW.format("case", "bounds", "expected", "got", "states", "depth", "seconds"))
    try:
        findings = _check_all(cases, arguments.jobs, shows_trail=arguments.trail)
    except SpinError as error:
        print(error, file=sys.stderr)
        return 2
    wrong = [finding for finding in findings if not finding.is_as_expected]
    print(f"{len(findings)} cases, {len(wrong)} not as expected")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m spec",
        description="Check the model of the protocol.",
        epilog="Exit codes: 0 if every case ends as expected, 1 if one does not, 2 if one cannot be run.",
    )
    parser.add_argument("--quick", action="store_true", help="check only the quick cases")
    parser.add_argument("--case", default="", help="check only the case of this name; ? lists all names")
    parser.add_argument("--trail", action="store_true", help="print the counterexamples that are found")
    parser.add_argument("--jobs", type=int, default=2, help="searches at the same time (%(default)s)")
    asked = parser.parse_args()
    if asked.jobs < 1:
        parser.error("--jobs must be at least 1")
    return asked


def _is_asked(case: Case, arguments: argparse.Namespace) -> bool:
    return case.name == arguments.case if arguments.case else case.quick or not arguments.quick


def _check_all(cases: Sequence[Case], at_once: int, *, shows_trail: bool) -> list[Finding]:
    with (
        tempfile.TemporaryDirectory(prefix="turnstile-model-") as folder,
        ThreadPoolExecutor(at_once) as pool,
    ):
        homes = [Path(folder) / str(number) for number in range(len(cases))]
        for home in homes:
            home.mkdir()
        findings = []
        for finding, home in zip(pool.map(check, cases, homes), homes, strict=True):
            findings.append(finding)
            _print(finding)
            if finding.got == "fails" and (shows_trail or not finding.is_as_expected):
                print(*readable(finding.case, home), sep="\n")
    return findings


def _print(finding: Finding) -> None:
    expected = "fails" if finding.case.fails else "clean"
    row = _ROW.format(
        finding.case.name,
        finding.case.bounds,
        expected,
        finding.got,
        finding.states,
        finding.depth,
        f"{finding.seconds:.1f}",
    )
    print(row if finding.is_as_expected else f"{row}  <-- {finding.violation or 'nothing found'}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
