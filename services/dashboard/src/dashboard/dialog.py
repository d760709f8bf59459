"""Opening a dialog over a page."""

from collections.abc import Callable
from typing import Literal, NoReturn

import streamlit as st

_OPENED = "turnstile.dialog"


def open_dialog(
    question: str, icon: str, ask: Callable[[], None], *, width: Literal["small", "medium", "large"] = "small"
) -> NoReturn:
    """Show the page again, with a dialog over it that `ask` draws.

    `question` is its heading. The dialog is closed by the next run of the whole page.
    """
    # Not opened here: a dialog of a fragment is part of it, and Streamlit drops a click in the dialog
    # when a refresh of the fragment is due at the same time.
    st.session_state[_OPENED] = st.dialog(question, icon=icon, width=width)(ask)
    st.rerun()


def show_opened() -> None:
    """Draw the dialog that was opened, if one was. For the page itself, outside of its fragments."""
    dialog: Callable[[], None] | None = st.session_state.pop(_OPENED, None)
    if dialog is not None:
        dialog()
