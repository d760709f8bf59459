"""The texts of a job: its error, parameters, saved state, result, properties and recorded steps."""

import json
from datetime import datetime
from functools import lru_cache

from contracts.statuses import EventStatus
from coordination.journal.rows import JobRow
from dashboard.job_page.rules import rules_card
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, copy_button, node
from dashboard.reading.job import JobView

#: Most of a text that is shown, in bytes; the whole of it can be downloaded.
MOST_SHOWN = 16 * 1024

#: Steps whose results are shown.
_STEPS_SHOWN = 20
_LONGEST_STEP_RESULT = 200


def texts_cards(view: JobView) -> list[Node | None]:
    """Return the cards with what the job was given and what it left, only those that there are."""
    kept, job = view.kept, view.job
    return [
        _error(job, kept.traceback),
        rules_card(view),
        _json_card("Parameters", kept.parameters) if kept.parameters not in {"", "{}"} else None,
        _json_card("Saved state", kept.state, _saved_at(view)) if kept.state is not None else None,
        _json_card("Result", kept.result) if kept.result not in {None, "null"} else None,
        _description(job),
        _properties(job),
        _steps(view),
    ]


def large_texts(view: JobView) -> dict[str, str]:
    """Return the texts of which only the beginning is shown, by the names of their cards."""
    texts = {"Parameters": view.kept.parameters, "Saved state": view.kept.state, "Result": view.kept.result}
    return {name: text for name, text in texts.items() if text is not None and is_large(text)}


def is_large(text: str) -> bool:
    """Return whether only the beginning of a text is shown."""
    return len(pretty(text).encode()) > MOST_SHOWN


# A page asks again for the same texts at every refresh, and a result may have 256 KiB.
@lru_cache(maxsize=16)
def pretty(text: str) -> str:
    """Return JSON over several lines; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def size(text: str) -> str:
    """Return how large a text is."""
    bytes_ = len(text.encode())
    if bytes_ < 1024:
        return count(bytes_, "byte")
    return f"{bytes_ / 1024:.1f} KiB" if bytes_ < 10 * 1024 else f"{bytes_ / 1024:,.0f} KiB"


def _json_card(title: str, text: str | None, changed_at: datetime | None = None) -> Node:
    text = text or ""
    whole = pretty(text)
    aside: list[Node] = [size(text)] if len(text) > 200 or changed_at is not None else []
    if changed_at is not None:
        aside += [" · ", ago(changed_at)]
    return _text_card(title, whole, aside)


def _text_card(title: str, whole: str, aside: list[Node], tag: str = "pre.block") -> Node:
    shown = whole.encode()[:MOST_SHOWN].decode(errors="ignore")
    # A large text is downloaded: a button that copies it would send it again with every refresh.
    rest: Node | None = None
    copied: Node | None = copy_button(whole, title.lower())
    if len(shown) < len(whole):
        copied = None
        rest = node("p.muted", f"Only the first {MOST_SHOWN // 1024} KiB of {size(whole)} are shown.")
    return node(
        "section.card",
        node("div.title", node("h2", title), node("span.aside", *aside, copied)),
        node("div.pad", node(tag, shown, tabindex=0, aria_label=title), rest),
        k=f"text-{title}",
    )


def _error(job: JobRow, traceback: str | None) -> Node | None:
    if not job.error_type:
        return None
    folded = None
    if traceback:
        folded = node("details", node("summary", "Traceback"), node("pre.block", traceback, tabindex=0))
    whole = traceback or f"{job.error_type}: {job.error_message}"
    return node(
        "section.card.bad-edge",
        node("div.title", node("h2", "Error"), node("span.aside", copy_button(whole, "the error"))),
        node(
            "div.pad", node("p", node("code.bad", job.error_type)), node("p.text", job.error_message), folded
        ),
        k="text-error",
    )


def _description(job: JobRow) -> Node | None:
    if not job.description:
        return None
    return node(
        "section.card",
        node("div.title", node("h2", "Description")),
        node("p.pad.text", job.description),
        k="text-description",
    )


def _properties(job: JobRow) -> Node | None:
    properties: dict[str, str] = json.loads(job.properties)
    if not properties:
        return None
    pairs = [
        part for name, value in sorted(properties.items()) for part in (node("dt", name), node("dd", value))
    ]
    return node(
        "section.card",
        node("div.title", node("h2", "Properties")),
        node("dl.pairs.pad", *pairs),
        k="text-properties",
    )


def _steps(view: JobView) -> Node | None:
    steps = view.kept.steps[:_STEPS_SHOWN]
    if not steps:
        return None
    pairs = [
        part
        for step in steps
        for part in (node("dt", step.name), node("dd", node("code", step.result[:_LONGEST_STEP_RESULT])))
    ]
    left = view.job.steps - len(steps)
    rest = node("p.muted.pad", f"… {count(left, 'more step')}") if left > 0 else None
    return node(
        "section.card",
        node("div.title", node("h2", "Steps recorded"), node("span.aside", f"{view.job.steps:,}")),
        node("dl.pairs.pad", *pairs),
        rest,
        k="text-steps",
    )


def _saved_at(view: JobView) -> datetime | None:
    saved = (entry.event for entry in reversed(view.entries) if entry.event.status is EventStatus.STATE_SAVED)
    return next((event.timestamp_utc for event in saved), None)
