"""The page on which a job is submitted: a form from the schema of its kind."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from contracts.identifiers import new_id
from contracts.jobs import DEFAULT_PRIORITY, Kind
from contracts.lock_names import DEFAULT_LOCK
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError
from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.forms import submission as forms
from dashboard.forms.parameters import REQUIRED, Errors, ParametersForm
from dashboard.forms.widgets import field
from dashboard.parts.nodes import Node, node
from dashboard.publisher_api import PublisherAwayError, RefusedError
from dashboard.reading.earlier import read_earlier
from dashboard.site import Site
from dashboard.views import submit_limits
from dashboard.views.submit_notes import Outcome, earlier_note, no_kind_note, note, outcome_note

_KIND, _LOCK, _NAME, _ABOUT = "submit-kind", "submit-lock", "submit-name", "submit-about"
_PRIORITY, _PROPERTIES, _ID = "submit-priority", "submit-properties", "submit-id"
_CONFLICT = "submit-conflict"

#: The id that is sent while no other is entered; a new one after every success.
_NEXT_ID = "submit.next-id"
#: Wrong fields that are named in a sentence.
_MOST_NAMED = 5

_OUTCOME, _TRIED, _FROM, _NOTE = "submit.outcome", "submit.tried", "submit.from", "submit.note"


def show(site: Site) -> None:
    """Show the page."""
    frame.show_page(site, lambda snapshot: _page(site, snapshot), is_live=False)


def _page(site: Site, snapshot: Snapshot) -> None:
    frame.head("Submit", "A job waits in the line of its lock and runs when its turn comes.")
    try:
        known = site.kinds.get().content
    except PublisherAwayError as error:
        if site.kinds.last is None:
            draw("submit-outcome", note("orange", "cloud_off", "Jobs cannot be submitted now.", str(error)))
            st.button("Try again", key="submit-again")
            frame.show_again_when(lambda: site.kinds.is_known(PublisherAwayError))
            return
        # What is entered must not be lost by it; what is submitted says that the publisher does not answer.
        known = site.kinds.last.content
    kinds = {kind.kind: kind for kind in known}
    if not kinds:
        draw("submit-outcome", no_kind_note())
        return
    _begin(site, kinds)
    kind = kinds[st.session_state[_KIND]]
    form = ParametersForm(kind)
    form.begin()
    outcome = st.session_state.get(_OUTCOME)
    body, errors = _entered(kind, form)
    if not st.session_state.get(_TRIED):
        errors = [one for one in errors if one[1] != REQUIRED]
    if outcome is not None:
        errors += outcome.errors_still_there(body)
    draw("submit-note", st.session_state.get(_NOTE) or node("div"))
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, key="submit-parameters"):
        _show_kind(kinds, kind, errors)
        rest = form.show(errors)
    with right, st.container(border=True, key="submit-rest"):
        _show_rest(snapshot, kind, rest)
    st.button(
        "Submit the job",
        type="primary",
        icon=":material/send:",
        key="submit-go",
        on_click=_submit,
        args=(site, kind, form),
    )
    # Behind the button: what changes its height above it would move it away from under the pointer.
    draw("submit-outcome", outcome_note(outcome) if outcome else node("div"))
    draw("submit-same", node("p.muted", "The same for a terminal:"))
    st.code(forms.curl(site.settings.public_url, body, site.viewer()), language=None, wrap_lines=True)


def _begin(site: Site, kinds: Mapping[str, Kind]) -> None:
    """Fill the form when it is opened, and again when it is opened with another earlier job."""
    state = st.session_state
    state.setdefault(_NEXT_ID, new_id())
    asked = st.query_params.get("from", "")
    if asked and state.get(_FROM) != asked:
        state[_FROM], state[_OUTCOME], state[_TRIED] = asked, None, False
        state[_NOTE] = _take_over(site, kinds, asked)
    if state.get(_KIND) not in kinds:
        state[_KIND] = next(iter(kinds))
    if state.get(_PRIORITY) is None:
        state[_PRIORITY] = DEFAULT_PRIORITY
    kind = kinds[state[_KIND]]
    if state.get(_LOCK) is None or (state[_LOCK] == "" and kind.lock_template is None):
        state[_LOCK] = _lock_of(kind)


def _take_over(site: Site, kinds: Mapping[str, Kind], job_id: str) -> Node:
    """Fill the form from an earlier job; return what there is to say of it."""
    try:
        earlier = site.reader.read(read_earlier(site.journal, site.register, job_id))
    except JobRemovedError:
        return note("orange", "search_off", "The form is empty: this job has ended and was removed.", job_id)
    except NoSuchJobError:
        return note("orange", "search_off", "The form is empty: no job has this id here.", job_id)
    except UnknownOutcomeError as error:
        st.session_state[_FROM] = None
        return note("orange", "cloud_off", "The earlier job cannot be read now.", str(error))
    state = st.session_state
    state[_LOCK], state[_NAME], state[_ABOUT] = earlier.lock, earlier.name, earlier.description
    state[_PRIORITY], state[_PROPERTIES] = earlier.priority, forms.properties_text(earlier.properties)
    submit_limits.fill(earlier.limits)
    if earlier.kind not in kinds:
        sentence = f"No worker knows its kind {earlier.kind} any more."
        return note("orange", "help", "Only a part of the earlier job could be filled in.", sentence)
    state[_KIND] = earlier.kind
    ParametersForm(kinds[earlier.kind]).fill(earlier.parameters)
    return earlier_note(earlier)


def _show_kind(kinds: Mapping[str, Kind], kind: Kind, errors: Errors) -> None:
    with field(_KIND, "Kind", kind.description, error=_at_field(errors, "kind")):
        st.selectbox(
            "Kind",
            list(kinds),
            key=_KIND,
            label_visibility="collapsed",
            on_change=_kind_changed,
            args=(kinds,),
        )


def _kind_changed(kinds: Mapping[str, Kind]) -> None:
    kind = kinds[st.session_state[_KIND]]
    st.session_state[_OUTCOME], st.session_state[_TRIED] = None, False
    st.session_state[_LOCK] = _lock_of(kind)
    ParametersForm(kind).reset()


def _lock_of(kind: Kind) -> str:
    """Return the lock that is chosen at first; no text stands for the one of the kind's own."""
    return DEFAULT_LOCK if kind.lock_template is None else ""


def _show_rest(snapshot: Snapshot, kind: Kind, errors: Errors) -> None:
    """Show the fields that every job has."""
    state = st.session_state
    locks = sorted({DEFAULT_LOCK, _lock_of(kind), state[_LOCK], *snapshot.locks})
    with field(_LOCK, "Lock", "Jobs of one lock run one at a time", error=_at_field(errors, "lock")):
        st.selectbox(
            "Lock",
            locks,
            key=_LOCK,
            format_func=lambda lock: lock or f"{kind.lock_template} (by the kind)",
            accept_new_options=True,
            label_visibility="collapsed",
        )
    with field(_CONFLICT, "When the lock is busy", error=_at_field(errors, "on_conflict")):
        st.selectbox(
            "When the lock is busy",
            list(forms.CONFLICTS),
            key=_CONFLICT,
            format_func=forms.CONFLICTS.__getitem__,
            label_visibility="collapsed",
        )
    with field(_PRIORITY, "Priority", error=_at_field(errors, "priority")):
        st.selectbox(
            "Priority",
            forms.PRIORITIES,
            key=_PRIORITY,
            format_func=forms.priority_text,
            label_visibility="collapsed",
        )
    with field(_NAME, "Name", "A title for people", error=_at_field(errors, "name")):
        st.text_input("Name", key=_NAME, label_visibility="collapsed")
    with field(_ABOUT, "Description", error=_at_field(errors, "description")):
        st.text_area("Description", key=_ABOUT, height=75, label_visibility="collapsed")
    with field(
        _PROPERTIES, "Properties", "One a line, to find the job by", error=_at_field(errors, "properties")
    ):
        st.text_area(
            "Properties",
            key=_PROPERTIES,
            placeholder="team=accounts",
            height=75,
            label_visibility="collapsed",
        )
    submit_limits.show(errors)
    with field(_ID, "Job id", "Your own UUID, or empty for a new one", error=_at_field(errors, "job_id")):
        st.text_input("Job id", key=_ID, placeholder=state[_NEXT_ID], label_visibility="collapsed")


def _entered(kind: Kind, form: ParametersForm) -> tuple[dict[str, Any], Errors]:
    """Return the submission that is entered, and what is wrong with it already here."""
    state = st.session_state
    errors: Errors = []
    properties: Mapping[str, str] = {}
    try:
        properties = forms.read_properties(state.get(_PROPERTIES) or "")
    except forms.PropertiesError as error:
        errors.append(("properties", str(error)))
    parameters, wrong = form.read()
    body = forms.submission(
        kind=kind.kind,
        job_id=(state.get(_ID) or "").strip() or state[_NEXT_ID],
        lock=state.get(_LOCK) or (DEFAULT_LOCK if kind.lock_template is None else None),
        parameters=parameters,
        name=state.get(_NAME) or "",
        description=state.get(_ABOUT) or "",
        priority=state.get(_PRIORITY, DEFAULT_PRIORITY),
        properties=properties,
        on_conflict=state.get(_CONFLICT),
        limits=submit_limits.entered(),
    )
    return body, [*errors, *wrong]


def _submit(site: Site, kind: Kind, form: ParametersForm) -> None:
    """Send what is entered, if nothing is wrong with it already here, and keep what came of it."""
    state = st.session_state
    state[_TRIED] = True
    body, errors = _entered(kind, form)
    if errors:
        places = ", ".join(place for place, _ in errors[:_MOST_NAMED])
        state[_OUTCOME] = Outcome(sentence=f"Nothing was sent, as these fields are not right yet: {places}.")
        return
    try:
        state[_OUTCOME] = Outcome(accepted=site.publisher.submit(body, site.viewer()), body=body)
    except RefusedError as error:
        found = [(wrong.field, wrong.message) for wrong in error.fields]
        state[_OUTCOME] = Outcome(sentence=str(error), errors=found, body=body)
    except PublisherAwayError as error:
        state[_OUTCOME] = Outcome(sentence=str(error), may_be_done=error.may_be_done, body=body)
    else:
        state[_NEXT_ID], state[_ID], state[_TRIED], state[_NOTE] = new_id(), "", False, None


def _at_field(errors: Sequence[tuple[str, str]], name: str) -> str | None:
    """Return what is wrong with a field that is no parameter."""
    found = [
        message for place, message in errors if place == name or place.startswith((f"{name}.", f"{name}["))
    ]
    return "; ".join(found) or None
