"""How others can check the same without this dashboard, and what no check can see."""

import shlex

from dashboard.parts.nodes import Node, clock, copy_button, node
from dashboard.proof.report import Report
from verification import BLIND_SPOTS


def others_cards(report: Report) -> Node:
    """Return the command, the fingerprint, and the limits."""
    return node("div.stack", _command(report), _fingerprint(report), _limits())


def _command(report: Report) -> Node:
    command = report.command
    return node(
        "section.card",
        node("div.title", node("h2", "Check it yourself"), copy_button(command, "the command")),
        node(
            "div.pad",
            node(
                "p.muted",
                "The page for others holds the runs and the result of this check, and needs no connection.",
            ),
            node("p.muted", "Or read the tables yourself, with the settings of this installation:"),
            node("pre.command", _folded(command), tabindex="0"),
        ),
    )


def _fingerprint(report: Report) -> Node:
    whole = report.fingerprint
    words = "The command prints the same document with --json, as long as nothing more happens to these jobs."
    return node(
        "section.card",
        node("div.title", node("h2", "Fingerprint of this report")),
        node(
            "div.pad",
            node("p", node("span.id", f"{whole[:32]}…", title=whole), copy_button(whole, "the fingerprint")),
            node("p.muted", "SHA-256 of the JSON, read at ", clock(report.read_at), ". ", words),
        ),
    )


def _limits() -> Node:
    points = [node("li", text) for text in BLIND_SPOTS]
    title = node("div.title", node("h2", "What it cannot see"))
    return node("section.card", title, node("div.pad", node("ul.points", *points)))


def _folded(command: str) -> str:
    """Write a command over several lines, each option on its own."""
    lines = [""]
    for word in shlex.split(command):
        quoted = shlex.quote(word)
        if word.startswith("--"):
            lines.append(f"  {quoted}")
        else:
            lines[-1] = f"{lines[-1]} {quoted}".strip() if len(lines) == 1 else f"{lines[-1]} {quoted}"
    return " \\\n".join(lines)
