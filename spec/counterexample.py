"""A counterexample in readable form: who did what, line by line of the model, and what it changed."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spec.cases import Case

_STEP = re.compile(r"^\s*\d+:\s+proc\s+(\d+) \((\S+?):\d+\) \S+?:(\d+) \(state \d+\)\s+\[(.*)\]")
_CHANGE = re.compile(r"^\t\t(\S.*?) = (\S+)$")


@dataclass
class _Move:
    process: int
    name: str
    line: int
    changes: dict[str, str] = field(default_factory=dict)


def readable(case: Case, folder: Path) -> Iterator[str]:
    """Return the moves of the counterexample that a check left in the folder."""
    defines = [f"-D{define}" for define in case.defines]
    trail = folder / f"{case.model.name}.trail"
    command = ["spin", "-k", str(trail), "-p", "-g", *defines, str(case.model)]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    source = case.model.read_text().splitlines()
    moves = list(_moves(output, _inline_lines(source)))
    numbers = _numbers(output)
    known: dict[str, str] = {}
    for move in moves:
        changed = [f"{name}={value}" for name, value in move.changes.items() if known.get(name) != value]
        known.update(move.changes)
        if not changed:
            continue
        who = f"{move.name} {numbers[move.process]}"
        text = re.sub(r"\s*/\*.*$", "", source[move.line - 1]).strip().removeprefix(":: ")
        yield f"{who:<12} {move.line:>4}  {text[:90]:<90}  {' '.join(changed)}".rstrip()
    ends = [line for line in output.splitlines() if "assertion violated" in line or "CYCLE" in line]
    yield from ends or ["No process can take a step, and a job has no end."]


def _numbers(output: str) -> dict[int, int]:
    """Number the processes of each name, from 0, as the model does."""
    names = {int(number): name for number, name in re.findall(r"proc +(\d+) \((\S+?):\d+\)", output)}
    return {
        process: sum(1 for other in names if other < process and names[other] == name)
        for process, name in names.items()
    }


def _inline_lines(source: list[str]) -> set[int]:
    """Find the lines of inlines, whose steps belong to their callers."""
    inside, found = False, set()
    for number, line in enumerate(source, start=1):
        inside = inside or line.startswith("inline ")
        if inside:
            found.add(number)
        if inside and (line.startswith("}") or line.rstrip().endswith(" }")):
            inside = False
    return found


def _moves(output: str, inline: set[int]) -> Iterator[_Move]:
    move: _Move | None = None
    for text in output.splitlines():
        step, change = _STEP.match(text), _CHANGE.match(text)
        if step:
            process, line = int(step[1]), int(step[3])
            if move is None or move.process != process or (line != move.line and line not in inline):
                if move is not None:
                    yield move
                move = _Move(process, step[2], line)
        elif change and move is not None:
            move.changes[change[1]] = change[2]
        elif text.startswith("spin: trail ends"):
            break
    if move is not None:
        yield move
