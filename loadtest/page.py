"""The verdict as a page of Locust's web UI, renewed while a test runs."""

import json
from collections.abc import Callable
from html import escape
from typing import Any, Protocol

from flask import Response
from locust.web import WebUI

from loadtest.report import STYLE, section
from loadtest.verdict import Verdict

# Asks for the inner part only, so that the user's selection and position stay.
_SCRIPT = """
const main = document.querySelector("main");
async function renew() {
  try {
    const answer = await fetch("verdict/now");
    const text = await answer.text();
    if (answer.ok && text !== main.innerHTML) main.innerHTML = text;
  } catch (error) { main.dataset.away = "true"; }
}
setInterval(renew, 2000); renew();
"""

_WHOLE_PAGE = "body { margin: 0; min-height: 100vh; box-sizing: border-box }"

_LINK = b"""<a href="verdict" style="position: fixed; right: 1rem; bottom: 1rem; z-index: 9999;
  padding: .5rem 1rem; border-radius: .5rem;
  background: #15803d; color: #fff; font-family: sans-serif">Verdict</a></body>"""


class Watched(Protocol):
    """A run as the page sees it."""

    verdict: Verdict | None

    def counts(self) -> dict[str, Any]:
        """Return where the run stands."""


def add_to(web_ui: WebUI, current: Callable[[], Watched | None]) -> None:
    """Add /verdict to Locust's pages, and a link to it."""
    app: Any = web_ui.app

    @app.route("/verdict")
    @web_ui.auth_required_if_enabled
    def verdict() -> str:
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>Verdict</title>'
            f'<style>{STYLE}{_WHOLE_PAGE}</style></head><body class="verdict"><p><a href="./">Locust</a></p>'
            f'<main aria-live="polite">{inner(current())}</main><script>{_SCRIPT}</script></body></html>'
        )

    @app.route("/verdict/now")
    @web_ui.auth_required_if_enabled
    def now() -> str:
        return inner(current())

    @app.route("/verdict/json")
    @web_ui.auth_required_if_enabled
    def document() -> Response:
        run = current()
        found = {
            "now": run.counts() if run else None,
            "verdict": run.verdict.document() if run and run.verdict else None,
        }
        return Response(json.dumps(found), mimetype="application/json")

    @app.after_request
    def link(response: Response) -> Response:
        if response.mimetype == "text/html" and b'id="root"' in response.get_data():
            response.set_data(response.get_data().replace(b"</body>", _LINK))
        return response


def inner(run: Watched | None) -> str:
    """Return the page's changing part."""
    if run is None:
        return "<h1>No run yet</h1><p>Start one on Locust's own page.</p>"
    if run.verdict is not None:
        return section(run.verdict)
    counts = run.counts()
    answers = ", ".join(f"{count} × {status or 'none'}" for status, count in counts["answers"].items())
    rows = (
        ("submitted", counts["submitted"]),
        ("answers", answers),
        ("accepted", counts["accepted"]),
        ("ended", counts["ended"]),
        ("harm done", ", ".join(counts["faults"]) or "none"),
    )
    lines = "".join(f"<tr><th scope=row>{name}<td>{escape(str(value))}" for name, value in rows)
    return f"<h1>No verdict yet: {escape(counts['stage'])}</h1><table>{lines}</table>"
