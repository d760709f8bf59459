"""The rules: the sentences of `turnstile verify`, what came of each, and what it was judged from."""

from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, node
from dashboard.proof.report import Report
from verification import MEANINGS, Invariant, Result

_LOOKS = {
    Result.HOLDS: Look("holds", "check", "green"),
    Result.HOLDS_PARTLY: Look("holds in part", "remove", "gray"),
    Result.NOT_CHECKED: Look("not checked", "remove", "gray"),
    Result.BROKEN: Look("broken", "gpp_bad", "red"),
}

_PARTLY = "partly: "


def rules_card(report: Report) -> Node:
    """Return the table of the rules."""
    head = node("tr", *(node("th", text) for text in ("Rule", "Must be true", "Result", "From")))
    rows = [_row(report, invariant) for invariant in Invariant]
    aside = node("span.aside", "the same as ", node("code", "turnstile verify"))
    title = node("div.title", node("h2", "What was checked"), aside)
    table = node("table.cards-on-phone.rules", node("thead", head), node("tbody", *rows))
    return node("section.card", title, node("div.scroll", table))


def _row(report: Report, invariant: Invariant) -> Node:
    result = report.result(invariant)
    tag = "tr.wrong" if result is Result.BROKEN else "tr"
    number = node("td", node("b", invariant.value))
    return node(
        tag,
        number,
        node("td.wide", MEANINGS[invariant]),
        node("td", chip(_LOOKS[result])),
        _from(report, invariant),
    )


def _from(report: Report, invariant: Invariant) -> Node:
    """Say what a rule was judged from, and what was not there to judge from."""
    basis = _basis(report, invariant)
    why = str(report.document["unchecked"].get(invariant.value, "")).removeprefix(_PARTLY)
    why = why.removeprefix("not checked: ").partition("; the times are below")[0]
    found = report.document["found"].get(invariant.value, 0)
    said = [f"{found:,} found" if found else "", basis, why]
    return node("td.muted.wide", "; ".join(part for part in said if part))


def _basis(report: Report, invariant: Invariant) -> str:
    counts, numbers = report.counts, report.numbers
    events, unfinished = count(counts["events"], "event"), counts["unfinished"]
    match invariant:
        case Invariant.EVENTS:
            return f"{events} of {count(counts['jobs'], 'job')}"
        case Invariant.EXCLUSION:
            return f"{count(counts['runs'], 'fence')}, by the storage's own times"
        case Invariant.ONE_END | Invariant.LISTS:
            return f"{counts['jobs'] - unfinished:,} ended, {unfinished:,} not yet"
        case Invariant.TRAIL:
            return f"{events}, from both"
        case Invariant.TAKEN_UP_AGAIN:
            return count(counts["interruptions"], "interruption")
        case Invariant.NOTHING_HELD:
            return f"{count(unfinished, 'unfinished job')}, {numbers['waiting']:,} in line"
        case Invariant.STEPS_ONCE:
            return count(numbers["steps"], "recorded step")
        case Invariant.REMOVALS:
            return count(sum(removal["jobs"] for removal in report.document["removals"]), "removed job")
        case Invariant.TAKE_OVER_TIMES:
            return _take_overs(report)
    # Of what the sink saw and of queues there is nothing more to say.
    return ""


def _take_overs(report: Report) -> str:
    times = list(report.document["seconds"]["take_over"].values())
    number = sum(int(each["count"]) for each in times)
    longest = max((float(each["max"]) for each in times), default=0.0)
    return count(number, "take-over") + (f", the longest {duration(longest)}" if number else "")
