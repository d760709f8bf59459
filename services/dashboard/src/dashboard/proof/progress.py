"""How far a check is, while it runs."""

from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, icon, node, since
from proof import Check, State
from verification import Phase

#: What a check does, in its order; what needs files of its own is not done here.
_STEPS = {
    Phase.JOURNAL: "reading the journal",
    Phase.JOURNAL_AGAIN: "reading again what has changed",
    Phase.REGISTER: "looking the jobs up in the register",
    Phase.TRAIL: "comparing the audit trail",
    Phase.ACTIVE: "looking for leftovers among the active jobs",
    Phase.LEASES: "looking at the lease",
    Phase.LISTS: "comparing lists of jobs and runs",
    Phase.SUMMARY: "adding up",
}


def progress_box(check: Check) -> Node:
    """Return what a check that is under way does at the moment."""
    if check.state is State.WAITING:
        text = node("div.grow", node("h2", "Waiting"), node("p", "It begins when another check has ended."))
        return node("div.alert.verdict.gray", icon("hourglass_empty"), text)
    place = list(_STEPS).index(check.progress.phase) + 1 if check.progress.phase in _STEPS else 1
    step = _STEPS.get(check.progress.phase, "")
    text = node(
        "div.grow",
        node("h2", "Checking"),
        node(
            "p",
            f"Step {place} of {len(_STEPS)}: {step}. {count(check.progress.rows, 'row')} read in ",
            since(check.began_at),
            ".",
        ),
        node(
            "div.progress", node("div.track", node("span", w=100 * place / len(_STEPS)), aria_hidden="true")
        ),
    )
    return node("div.alert.verdict.gray", icon("manage_search"), text)
