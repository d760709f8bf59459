"""The fields of the form for a job's time limits, which most jobs leave to their kinds."""

from collections.abc import Mapping

import streamlit as st

from contracts.policies import LONGEST_WAIT
from dashboard.forms.parameters import Errors
from dashboard.forms.widgets import field

#: By their names in a submission, with what is said about each.
_LIMITS = {
    "expires_in": ("Expires after", "Seconds for which it may wait for its start"),
    "timeout": ("Timeout", "Seconds that an attempt may take, where its kind allows as much"),
    "cancel_grace": ("Cancel grace", "Seconds to tidy up when it is stopped"),
}


def fill(limits: Mapping[str, float]) -> None:
    """Enter the limits of an earlier job."""
    for name in _LIMITS:
        st.session_state[_key(name)] = limits.get(name)


def entered() -> dict[str, float]:
    """Return the limits that are entered."""
    found = {name: st.session_state.get(_key(name)) for name in _LIMITS}
    return {name: float(seconds) for name, seconds in found.items() if seconds is not None}


def show(errors: Errors) -> None:
    """Show the fields, open where something is entered or wrong."""
    wrong = {place: message for place, message in errors if place in _LIMITS}
    with st.expander("Time limits", expanded=bool(wrong or entered())):
        for name, (title, about) in _LIMITS.items():
            with field(_key(name), title, about, error=wrong.get(name)):
                st.number_input(
                    title,
                    min_value=0.0,
                    max_value=float(LONGEST_WAIT),
                    value=None,
                    key=_key(name),
                    format="%g",
                    label_visibility="collapsed",
                )


def _key(name: str) -> str:
    return f"submit-{name}"
