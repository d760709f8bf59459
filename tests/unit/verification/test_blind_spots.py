"""What no verdict can see: the same words in the documentation, on the page, and in the dashboard."""

import re
from pathlib import Path

from verification import BLIND_SPOTS

_DOCUMENT = Path(__file__).parents[3] / "docs/testing/verify.md"


def test_the_documentation_names_every_blind_spot() -> None:
    section = _DOCUMENT.read_text().partition("## What it cannot see")[2]
    points = [re.sub(r"[`*]|\s+", lambda found: " " if found[0].isspace() else "", point).strip()
              for point in section.split("\n- ")[1:]]  # fmt: skip
    assert points == list(BLIND_SPOTS)
