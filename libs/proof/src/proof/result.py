"""A verdict as plain data: what the page shows, and what a check in a process of its own hands over."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from verification import Verdict, take_overs


def result_document(verdict: Verdict) -> dict[str, Any]:
    """Return the document of the verdict, the runs to draw, their take-overs, and how many are left out."""
    return {
        "verdict": verdict.document(),
        "runs": [asdict(run) for run in verdict.runs],
        "take_overs": [asdict(take_over) for take_over in take_overs(verdict.runs)],
        "left_out": max(0, verdict.counts["runs"] - len(verdict.runs)),
    }


def report_text(verdict: Mapping[str, Any]) -> str:
    """Return a verdict's document as `turnstile verify --json` prints it, to the last character."""
    return json.dumps(verdict, indent=2, ensure_ascii=False) + "\n"
