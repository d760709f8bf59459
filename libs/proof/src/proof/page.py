"""The report as one HTML file, which needs nothing else: words, and a lane of runs for each lock."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from proof.result import result_document
from verification import BLIND_SPOTS, MEANINGS, Verdict

_PLACE = "{{DATA}}"


def write_page(path: Path, verdict: Verdict) -> None:
    """Write the page. Raises OSError."""
    path.write_text(page_text(result_document(verdict)), encoding="utf-8")


def page_text(result: Mapping[str, Any]) -> str:
    """Return the page of a verdict, as `result_document` returns it."""
    template = files("proof").joinpath("page.html").read_text(encoding="utf-8")
    meanings = {invariant.value: meaning for invariant, meaning in MEANINGS.items()}
    data = {**result, "meanings": meanings, "blind_spots": BLIND_SPOTS}
    # No text of a job can end the element that the JSON stands in.
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    return template.replace(_PLACE, text)
