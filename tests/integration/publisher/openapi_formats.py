"""Texts in the formats that the OpenAPI document names, for schemathesis to draw from."""

import schemathesis
from hypothesis import strategies as st

from contracts import lock_names
from read_models.cursors import write_cursor
from submission import ActorError, usable_actor

_keys = st.from_regex(r"[0-9a-z|_-]{1,60}", fullmatch=True)
_visible = st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" ")
_header_text = st.characters(min_codepoint=0x20, max_codepoint=0xFF)


def _is_lock_name(text: str) -> bool:
    try:
        return bool(lock_names.normalise(text))
    except lock_names.LockNameError:
        return False


def _is_actor(text: str) -> bool:
    try:
        return bool(usable_actor(text) and usable_actor(text.encode("latin-1").decode()))
    except UnicodeDecodeError:
        return True
    except ActorError:
        return False


schemathesis.openapi.format("lock-name", st.text(_visible, min_size=1, max_size=200).filter(_is_lock_name))
schemathesis.openapi.format("actor", st.text(_header_text, min_size=1, max_size=100).filter(_is_actor))
schemathesis.openapi.format("events-cursor", st.builds(write_cursor, _keys, _keys))
schemathesis.openapi.format("jobs-cursor", st.builds(write_cursor, _keys, _keys))
schemathesis.openapi.format("locks-cursor", st.builds(write_cursor, _keys))
