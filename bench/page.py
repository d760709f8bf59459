"""Writes the figures into docs/results.md: each workload has a part, which only its measurement changes."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench import report
from bench.comparison import Result
from bench.workloads import ALL

_BEGIN, _END = "<!-- bench: begin -->", "<!-- bench: end -->"
_PART = re.compile(r"<!-- bench: part (\S+) -->\n(.*?)<!-- bench: end of part -->\n", re.DOTALL)

_INTRODUCTION = """\
## Speed

Written by `make bench`; [Speed](testing/speed.md) says what is measured, and how. All take turns in one
run on one machine, each with its servers and clients on it: compare figures of one table only. A gap is
the time from a handler's last line to the first line of the next handler of the lock. Overlaps are
counted from what the handlers noted. *Against it* is the median over the rounds of the rate of the first
one divided by that of the other one in the same round.
"""


def write(page: Path, results: Sequence[Result], stated: str) -> None:
    """Replace the parts of these results and leave all others."""
    text = page.read_text()
    parts = dict(_PART.findall(text))
    parts |= {result.workload.name: _part(result, stated) for result in results}
    known = [workload.name for workload in ALL if workload.name in parts]
    body = "\n".join(
        f"<!-- bench: part {name} -->\n{parts[name]}<!-- bench: end of part -->\n" for name in known
    )
    section = f"{_BEGIN}\n{_INTRODUCTION}\n{body}{_END}\n"
    if _BEGIN in text:
        before, _, rest = text.partition(_BEGIN)
        after = rest.partition(f"{_END}\n")[2]
        page.write_text(before + section + after)
    else:
        page.write_text(f"{text.rstrip()}\n\n{section}")


def _part(result: Result, stated: str) -> str:
    about = "\n".join(f"- **{each.name}**: {each.about}" for each in result.contestants)
    return "\n\n".join(
        [
            f"### {result.workload.title}",
            report.heading(result),
            report.main_table(result),
            report.process_table(result),
            about,
            f"{stated}\n",
        ]
    )
