"""The filters of the list of jobs. The address of the page is what counts; the fields show what it says."""

from collections.abc import Callable, Sequence

import streamlit as st

from contracts.jobs import Worker
from contracts.statuses import JobStatus
from dashboard.board.snapshot import Snapshot
from dashboard.jobs_question import FINALIZED, PERIODS, TAKEN_OVER, JobsQuestion, question_from
from dashboard.parts.chips import ALSO_FINALIZED, status_look
from dashboard.parts.chips import TAKEN_OVER as TAKEN_OVER_LOOK

_TEXT, _LOCK, _KIND, _WORKER = "jobs-q", "jobs-lock", "jobs-kind", "jobs-worker"
_SUBMITTED, _PROPERTY, _STATES = "jobs-submitted", "jobs-property", "jobs-states"

#: Names in the address of what the fields say.
_NAMES = {
    _TEXT: "q", _LOCK: "lock", _KIND: "kind", _WORKER: "worker",
    _SUBMITTED: "submitted", _PROPERTY: "property", _STATES: "state",
}  # fmt: skip

_PILLS = (
    JobStatus.RUNNING,
    JobStatus.QUEUED,
    JobStatus.COMPLETED,
    JobStatus.FAILED,
    JobStatus.TIMED_OUT,
    JobStatus.CANCELLED,
    JobStatus.EXPIRED,
)

#: The pills that are not a status.
_OTHERS = {TAKEN_OVER: TAKEN_OVER_LOOK, FINALIZED: ALSO_FINALIZED}


def current_question() -> JobsQuestion:
    """Return what the address asks."""
    return question_from({name: st.query_params.get_all(name) for name in st.query_params})


def ask(question: JobsQuestion) -> None:
    """Put a question into the address."""
    st.query_params.from_dict(question.query())


def show(question: JobsQuestion, snapshot: Snapshot, changed: Callable[[JobsQuestion], None]) -> None:
    """Show the filters; `changed` is called with the new question."""
    _take(question)

    def note(key: str) -> None:
        # The others are left as the address has them: a browser that connects again reports its fields one by
        # one, while the others are still empty here.
        changed(current_question().saying(_NAMES[key], st.session_state.get(key)))

    with st.container(horizontal=True, key="jobs-filters"):
        st.text_input(
            "Search", key=_TEXT, placeholder="Name or id", icon=":material/search:", on_change=note,
            args=(_TEXT,), label_visibility="collapsed", max_chars=300, width=230,
            help="Looks in names and ids; parameters are not searched. An id in full opens the job.",
        )  # fmt: skip
        _choice("Lock", _LOCK, sorted(snapshot.locks), "Every lock", note)
        _choice("Kind", _KIND, sorted(_kinds(snapshot.workers)), "Every kind", note)
        _choice("Worker", _WORKER, sorted(worker.worker for worker in snapshot.workers), "Every worker", note)
        st.selectbox(
            "Submitted", list(PERIODS), key=_SUBMITTED, index=None, placeholder="Any time", on_change=note,
            args=(_SUBMITTED,), format_func=lambda name: PERIODS[name][0],
            label_visibility="collapsed", width=150,
        )  # fmt: skip
        st.text_input(
            "Property", key=_PROPERTY, placeholder="property:value", on_change=note, max_chars=300,
            args=(_PROPERTY,), label_visibility="collapsed", width=150,
        )  # fmt: skip
    counts = {JobStatus.RUNNING.value: len(snapshot.held), JobStatus.QUEUED.value: snapshot.waiting}
    st.pills(
        "State", [*(status.value for status in _PILLS), *_OTHERS], key=_STATES, selection_mode="multi",
        format_func=lambda name: _pill(name, counts.get(name)), on_change=note, args=(_STATES,),
        label_visibility="collapsed",
    )  # fmt: skip


def _choice(label: str, key: str, known: list[str], every: str, note: Callable[[str], None]) -> None:
    """Show a field that takes one of the known values, or any other."""
    current = st.session_state.get(key)
    options = known if current is None or current in known else [current, *known]
    st.selectbox(
        label, options, key=key, index=None, placeholder=every, accept_new_options=True, on_change=note,
        args=(key,), label_visibility="collapsed", width=165,
    )  # fmt: skip


def _kinds(workers: Sequence[Worker]) -> set[str]:
    return {kind for worker in workers for kind in worker.kinds}


def _pill(name: str, count: int | None) -> str:
    look = _OTHERS.get(name) or status_look(JobStatus(name))
    return f":material/{look.icon}: {look.word}" + (f" {count:,}" if count else "")


def _take(question: JobsQuestion) -> None:
    """Let the fields show what the address says; a field that shows it already is left alone."""
    states = [status.value for status in _PILLS if status in question.statuses]
    states += [TAKEN_OVER] if question.taken_over else []
    states += [FINALIZED] if question.with_finalized else []
    wanted = {
        _TEXT: question.text,
        _LOCK: question.lock or None,
        _KIND: question.kind or None,
        _WORKER: question.worker or None,
        _SUBMITTED: question.submitted or None,
        _PROPERTY: ":".join(question.with_property) if question.with_property else "",
        _STATES: states,
    }
    for key, value in wanted.items():
        if key not in st.session_state or st.session_state[key] != value:
            st.session_state[key] = value
