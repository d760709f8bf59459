"""The one component of the dashboard: it draws a tree of plain data in the page.

What a job says reaches the browser as text and attributes from a fixed list, never as HTML or Markdown.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from dashboard.navigation import open_page
from dashboard.parts.nodes import Node

_PROJECT, _NAME = "turnstile-dashboard", "view"
_COMPONENT = f"{_PROJECT}.{_NAME}"


@dataclass(frozen=True)
class Seen:
    """What a drawn tree says back."""

    #: Whether the viewer looks at another tab; only from a tree drawn with `watch`.
    hidden: bool = False
    #: The action of the button that was just pressed, and its value.
    act: str | None = None
    value: Any = None


@dataclass(frozen=True)
class Picked:
    """The boxes that a viewer has checked, and when, by the viewer's clock."""

    ids: Sequence[str]
    at: float


def picked_before(key: str) -> Picked | None:
    """Return what was last checked in the tree drawn under a key; None when nothing was ever changed."""
    state = st.session_state.get(key)
    picked = state.get("picked") if state else None
    return Picked(tuple(picked["ids"]), float(picked["at"])) if picked else None


def draw(
    key: str,
    node: Node,
    *,
    all_ids: Sequence[str] = (),
    picked: Sequence[str] | None = None,
    watch: bool = False,
    sets_clock: bool = False,
) -> Seen:
    """Draw a tree, patching the one drawn before under the same key, and return what the viewer did with it.

    A link that was followed opens its page. `all_ids` are the ids of the box that checks all; `picked` sets
    which boxes are checked. With `watch`, the page runs again when it becomes hidden or visible. With
    `sets_clock`, it carries the server's time, by which all trees of the page tick: one that changes with
    every refresh anyway, as what is the same as before is not sent again.
    """
    _ensure_registered()
    component = st.components.v2.component(_COMPONENT, js="view.js", css="view.css")
    data: dict[str, Any] = {
        "node": node,
        "base": _base_path(),
        "all": list(all_ids),
        "watch": watch,
    }
    if sets_clock:
        data["now"] = time.time() * 1000
    if picked is not None:
        before = picked_before(key)
        data |= {"picked": list(picked), "pickedAt": before.at if before is not None else 0}
    seen = component(
        key=key,
        # Serialised once: given as data, Streamlit would do so twice, and escape what is not ASCII.
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(),
        default={"picked": None, "hidden": False},
        on_opened_change=lambda: None,
        on_act_change=lambda: None,
        on_picked_change=lambda: None,
        on_hidden_change=lambda: None,
    )
    if seen.opened:
        open_page(seen.opened["page"], dict(seen.opened["query"]))
    act = seen.act or {}
    return Seen(bool(seen.hidden), act.get("act"), act.get("v"))


def _base_path() -> str:
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}/" if path else "/"


def _ensure_registered() -> None:
    """Tell Streamlit where the files are: it finds them by itself in packages named as their distribution."""
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(_COMPONENT) is None:
        manifest = ComponentManifest(_PROJECT, version(_PROJECT), [ComponentConfig(_NAME, "assets")])
        manager.register_from_manifest(manifest, Path(__file__).parent)
