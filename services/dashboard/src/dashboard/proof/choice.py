"""The choice of lock and period above the proof; what is chosen is in the page's address."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.proof.period import BETWEEN, DEFAULT, LATEST, Period, written

_LOCK, _PERIOD = "proof-lock", "proof-period"


def draw_choice(names: Sequence[str]) -> None:
    """Draw the fields, filled with what the address says; `names` are the locks to choose from."""
    lock = st.query_params.get("lock")
    st.session_state[_LOCK] = lock
    st.selectbox(
        "Lock",
        names if lock is None or lock in names else [lock, *names],
        key=_LOCK,
        placeholder="Choose a lock, or type its name",
        accept_new_options=True,
        on_change=_choose_lock,
        width=265,
    )
    name = st.query_params.get("period", DEFAULT)
    st.session_state[_PERIOD] = name if name in {*LATEST, BETWEEN} else DEFAULT
    st.segmented_control(
        "Period",
        [*LATEST, BETWEEN],
        format_func=lambda each: LATEST[each][0] if each in LATEST else "Between…",
        key=_PERIOD,
        required=True,
        on_change=_choose_period,
    )
    if name == BETWEEN:
        for label, parameter in (("From", "since"), ("To", "until")):
            _draw_moment(label, parameter)


def _draw_moment(label: str, parameter: str) -> None:
    key = f"proof-{parameter}"
    try:
        text = st.query_params.get(parameter, "")
        moment = datetime.fromisoformat(text).astimezone(_zone()).replace(tzinfo=None)
    except (ValueError, OverflowError):
        moment = None
    st.session_state[key] = moment
    st.datetime_input(label, key=key, on_change=_choose_moment, args=(key, parameter), width=175)


def _choose_lock() -> None:
    _set({"lock": st.session_state.get(_LOCK) or ""})


def _choose_period() -> None:
    chosen = st.session_state.get(_PERIOD) or DEFAULT
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    # A choice of moments begins with the last 24 hours, so that there is something to change.
    wanted = Period(BETWEEN, now - timedelta(hours=24), now) if chosen == BETWEEN else Period(chosen)
    _set({"period": "", "since": "", "until": "", **wanted.query})


def _choose_moment(key: str, parameter: str) -> None:
    chosen = st.session_state.get(key)
    _set({parameter: "" if chosen is None else written(chosen.replace(tzinfo=_zone()))})


def _set(wanted: dict[str, str]) -> None:
    """Change the address; what is empty is taken out of it."""
    for name, value in wanted.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _zone() -> ZoneInfo:
    """Return the viewer's zone."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
