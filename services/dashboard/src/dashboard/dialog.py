"""Opening a dialog over a page."""

from collections.abc import Callable
from typing import Literal, NoReturn

import streamlit as st

_OPENED = "turnstile.dialog"


def open_dialog(
    question: str, icon: str, ask: Callable[[], None], *, width: Literal["small", "medium", "large"] = "small"
) -> NoReturn:
    """Show the page again, with a dialog over it that `ask` draws. The page is not refreshed meanwhile.

    `question` is its heading. The next run of the whole page closes the dialog.
    """
    # Not opened here: a dialog of a fragment is part of it, and Streamlit drops a click in the dialog
    # when a refresh of the fragment is due at the same time.
    st.session_state[_OPENED] = st.dialog(question, icon=icon, width=width, on_dismiss="rerun")(ask)
    st.rerun()


def show_opened() -> bool:
    """Draw the dialog that was opened, if one was. For the page itself, outside of its fragments.

    Returns whether there is one. The page must not be refreshed then: a refresh that is asked for while the
    dialog leads to another page runs after that, with the name of the page before, which empties the page.
    """
    dialog: Callable[[], None] | None = st.session_state.pop(_OPENED, None)
    if dialog is not None:
        dialog()
    return dialog is not None
