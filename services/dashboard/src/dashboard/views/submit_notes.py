"""What came of an attempt to submit a job, and the notes that say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.jobs import Accepted
from dashboard.forms.parameters import Errors
from dashboard.forms.widgets import error_note
from dashboard.parts.nodes import Node, copy_button, icon, link, node, short_id
from dashboard.reading.earlier import EarlierJob


@dataclass(frozen=True)
class Outcome:
    """What came of the last attempt."""

    accepted: Accepted | None = None
    #: Why it was not accepted.
    sentence: str = ""
    #: Whether it may have been accepted nevertheless.
    may_be_done: bool = False
    errors: Errors = field(default_factory=list)
    #: What was sent.
    body: Mapping[str, Any] = field(default_factory=dict)

    def errors_still_there(self, body: Mapping[str, Any]) -> Errors:
        """Return the errors of fields that were not changed since."""
        return [one for one in self.errors if _at(body, one[0]) == _at(self.body, one[0])]


def outcome_note(outcome: Outcome) -> Node:
    """Return the note that says what came of the last attempt."""
    if outcome.accepted is None:
        if outcome.may_be_done:
            return note("orange", "cloud_off", "Not confirmed.", outcome.sentence)
        return error_note("Not submitted.", outcome.sentence)
    accepted = outcome.accepted
    if accepted.job_id != outcome.body.get("job_id", accepted.job_id):
        return _there_note(accepted)
    name = str(outcome.body.get("name") or outcome.body["kind"])
    text = node(
        "div",
        node("p.what", "Submitted: ", link("job", name, {"id": accepted.job_id})),
        node(
            "p",
            "It waits for the lock ",
            link("lock", accepted.lock, {"lock": accepted.lock}),
            ". Its id: ",
            short_id(accepted.job_id),
        ),
    )
    return node("div.alert.green", icon("check"), text, role="status")


def _there_note(accepted: Accepted) -> Node:
    """Return the note that the lock has a job already, so that nothing was added."""
    job = link("job", "this job", {"id": accepted.job_id})
    what = node("p.what", "Nothing was added: ", job, " is there.")
    line = node("p", f"It is {accepted.status}. Its id: ", short_id(accepted.job_id))
    return node("div.alert.gray", icon("check"), node("div", what, line), role="status")


def earlier_note(earlier: EarlierJob) -> Node:
    """Return the note that says from which job the form was filled in."""
    name = earlier.name or earlier.kind
    what = node("p.what", "Filled in as for ", link("job", name, {"id": earlier.job_id}))
    line = node("p", "Change what you want; it becomes a new job with an id of its own.")
    return node("div.alert.gray", icon("content_copy"), node("div", what, line))


def no_kind_note() -> Node:
    """Return what to do while no kind is known."""
    command = "make up"
    text = node(
        "div.empty",
        node("p.what", "No kind of job is known yet."),
        node("p", "Workers make their kinds known when they start. Start one, and look again."),
        node("p", node("code", command), copy_button(command, "the command")),
    )
    return node("section.card", text)


def note(hue: str, picture: str, title: str, line: str) -> Node:
    """Return a note in a colour, with an icon."""
    return node(
        f"div.alert.{hue}", icon(picture), node("div", node("p.what", title), node("p", line)), role="status"
    )


def _at(body: Mapping[str, Any], place: str) -> Any:
    """Return the part of a submission that a field's name is about, as far as it is told apart here."""
    first, _, rest = place.partition(".")
    value = body.get(first)
    name = rest.split(".")[0].split("[")[0]
    return value.get(name) if isinstance(value, dict) and name else value
