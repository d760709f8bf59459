"""The report as one HTML file."""

from pathlib import Path

from verification import Verdict


def write_page(path: Path, verdict: Verdict) -> None:
    """Write the page. Raises OSError."""
    path.write_text(f"<!doctype html><title>{verdict.holds}</title>")
