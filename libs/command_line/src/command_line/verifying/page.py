"""The report as one HTML file, which needs nothing else: words, and a lane of runs for each lock."""

import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from verification import MEANINGS, Verdict

_PLACE = "{{DATA}}"


def write_page(path: Path, verdict: Verdict) -> None:
    """Write the page. Raises OSError."""
    template = files("command_line.verifying").joinpath("page.html").read_text(encoding="utf-8")
    path.write_text(template.replace(_PLACE, _data(verdict)), encoding="utf-8")


def _data(verdict: Verdict) -> str:
    """Return what the page shows, as JSON that cannot end the element it stands in."""
    document = {
        "verdict": verdict.document(),
        "meanings": {invariant.value: meaning for invariant, meaning in MEANINGS.items()},
        "runs": [asdict(run) for run in verdict.runs],
        "left_out": max(0, verdict.counts["runs"] - len(verdict.runs)),
    }
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026")
