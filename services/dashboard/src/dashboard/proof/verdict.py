"""The verdict in one box: whether two runs overlapped, of what, and how many rules that rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, clock, icon, link, node
from dashboard.proof.period import LATEST, Period
from dashboard.proof.report import Report
from verification import Result

#: Violations listed on the page; the JSON document has more.
_MOST_LISTED = 50

#: What the checker says of an empty period.
_NO_JOB = "there is no job"


@dataclass(frozen=True)
class Headline:
    """What came of it in a few words."""

    hue: str
    icon: str
    text: str


def headline(report: Report) -> Headline:
    """Return the verdict in a few words."""
    overlaps = int(report.numbers["overlaps"])
    if overlaps == 1:
        return Headline("red", "gpp_bad", "Two runs overlapped")
    if overlaps:
        return Headline("red", "gpp_bad", f"Runs overlapped {overlaps:,} times")
    if report.holds:
        return Headline("green", "verified_user", "No two runs overlapped")
    return Headline("red", "gpp_bad", "No two runs overlapped, but a rule was broken")


def verdict_box(report: Report, period: Period) -> Node:
    """Return the box with the verdict."""
    said = headline(report)
    first = report.violations[0] if report.violations else None
    text = node(
        "div.grow",
        node("h2", said.text),
        node(
            "p",
            node("b", report.asked.lock),
            ", ",
            *period_words(report, period),
            ". ",
            rules_in_short(report),
        ),
        None if first is None else node("p", f"First found ({first['invariant']}): ", _what(first)),
    )
    read = node(
        "span.aside", "checked ", ago(report.check.ended_at), f", took {duration(report.check.seconds)}"
    )
    return node(f"div.alert.verdict.{said.hue}", icon(said.icon), text, read, role="status")


def nothing_box(message: str) -> Node:
    """Return the box that says that there is nothing to check, and the checker's reason."""
    if message == _NO_JOB:
        message = "no job of this lock was active in this period"
    message = f"{message[:1].upper()}{message[1:]}."
    text = node("div.grow", node("h2", "Nothing to check"), node("p", message))
    return node("div.alert.verdict.gray", icon("shield_question"), text, role="status")


def period_words(report: Report, period: Period) -> list[Node]:
    """Return the period in words, by the viewer's clock."""
    if period.name in LATEST:
        return [f"the {LATEST[period.name][1]} until ", clock(report.asked.until)]
    return ["from ", clock(report.asked.since), " to ", clock(report.asked.until)]


def rules_in_short(report: Report) -> str:
    """Say how many rules held, in part or as a whole, and how many had nothing to be checked against."""
    tally = report.tally
    whole, partly = tally[Result.HOLDS], tally[Result.HOLDS_PARTLY]
    broken, unchecked = tally[Result.BROKEN], tally[Result.NOT_CHECKED]
    if broken:
        parts = [f"{count(broken, 'rule')} of {whole + partly + broken} did not hold"]
    else:
        parts = [f"All {count(whole, 'rule')} that could be checked in full held"]
    if partly:
        parts.append(f"{partly} held as far as they could be checked")
    if unchecked:
        parts.append(f"for {unchecked} there was nothing to check against")
    return "; ".join(parts) + "."


def violations_card(report: Report) -> Node | None:
    """Return the list of what was found, what overlapped first; None when nothing was."""
    if not report.violations:
        return None
    shown = report.violations[:_MOST_LISTED]
    found = sum(report.document["found"].values())
    more = found - len(shown)
    head = node("tr", *(node("th", text) for text in ("Rule", "What was found", "Fence", "Job")))
    rows = [
        node(
            "tr.wrong",
            node("td", violation["invariant"]),
            node("td.wide", violation["message"]),
            node("td.nowrap", "" if violation["fence"] is None else f"{violation['fence']:,}"),
            node("td", _job(violation)),
        )
        for violation in shown
    ]
    table = node("table.cards-on-phone", node("thead", head), node("tbody", *rows))
    rest = (
        None if more <= 0 else node("p.pad.muted", f"{more:,} more; the JSON lists up to 1,000 of each rule.")
    )
    title = node("div.title", node("h2", count(found, "violation")))
    return node("section.card", title, node("div.scroll", table), rest)


def _what(violation: Mapping[str, Any]) -> Node:
    message = str(violation["message"])
    job = violation["job_id"]
    return message if job is None else link("job", message, {"id": str(job)})


def _job(violation: Mapping[str, Any]) -> Node | None:
    job = violation["job_id"]
    return None if job is None else link("job", str(job)[:8] + "…", {"id": str(job)}, title=str(job))
