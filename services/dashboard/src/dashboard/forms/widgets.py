"""The fields of a form as Streamlit's widgets. Labels are drawn apart: those of widgets are Markdown."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import streamlit as st
from pydantic import JsonValue

from dashboard.component import draw
from dashboard.forms.entries import Entry
from dashboard.forms.schema import FieldType, FormField, Path, leaves
from dashboard.parts.nodes import Node, icon, node

#: Types whose widgets hold text.
_AS_TEXT = {FieldType.TEXT, FieldType.INTEGER, FieldType.NUMBER, FieldType.DATE_TIME, FieldType.JSON}

_EXAMPLES = {FieldType.DATE_TIME: "2026-11-29T14:00:00Z"}


class Widgets:
    """The widgets for the parameters of one kind, which keep what is entered while the page is open."""

    def __init__(self, kind: str, fields: Sequence[FormField]) -> None:
        self._kind = kind
        self._fields = fields

    def fill(self, entries: Mapping[Path, Entry], *, only_new: bool = False) -> None:
        """Enter something into every field, or into those that the viewer has not seen yet."""
        for leaf in leaves(self._fields):
            key = self._key(leaf.path)
            if not only_new or key not in st.session_state:
                st.session_state[key] = _held(leaf, entries.get(leaf.path))

    def entries(self) -> dict[Path, Entry]:
        """Return what is entered."""
        return {leaf.path: st.session_state.get(self._key(leaf.path)) for leaf in leaves(self._fields)}

    def show(self, errors: Mapping[Path, str]) -> None:
        """Show the fields, with what is wrong with each."""
        self._show(self._fields, errors)

    def _show(self, fields: Sequence[FormField], errors: Mapping[Path, str]) -> None:
        for one in fields:
            key = self._key(one.path)
            if one.type is FieldType.GROUP:
                with st.container(border=True, key=f"{key} group"):
                    draw_label(key, one.name, about(one), is_required=one.is_required)
                    self._show(one.fields, errors)
            else:
                wrong = errors.get(one.path)
                with field(key, one.name, about(one), is_required=one.is_required, error=wrong):
                    _widget(one, key)

    def _key(self, path: Path) -> str:
        return json.dumps(["submit", self._kind, *path])


def _held(one: FormField, entry: Entry) -> Entry:
    """Return what a widget holds for an entry."""
    if entry is not None:
        return entry
    if one.type is FieldType.BOOLEAN and isinstance(one.default, bool):
        # A switch is on or off: left out, the default would apply.
        return one.default
    return "" if one.type in _AS_TEXT else None


def about(one: FormField) -> str:
    """Return what is said about a field: its description, its limits, and what it takes."""
    takes = {
        FieldType.INTEGER: "a whole number",
        FieldType.NUMBER: "a number",
        FieldType.DATE: "a day",
        FieldType.DATE_TIME: "a moment with its zone",
        FieldType.JSON: "JSON",
    }
    limits = ", ".join(part for part in (takes.get(one.type, ""), one.limits) if part)
    title = one.title if one.title.lower() != one.name.replace("_", " ").lower() else ""
    return " · ".join(part.rstrip(".") for part in (title, one.description, limits) if part)


@contextmanager
def field(
    key: str, name: str, about: str = "", *, is_required: bool = False, error: str | None = None
) -> Iterator[None]:
    """Show a field: its name, then the widget of the body, with what is wrong between them."""
    with st.container(key=f"field-{key}"):
        draw_label(key, name, about, is_required=is_required, error=error)
        yield


def draw_label(
    key: str, name: str, about: str = "", *, is_required: bool = False, error: str | None = None
) -> None:
    """Draw the name of a field, what is said about it, and what is wrong with it."""
    mark = node("span.bad", " *", title="required", aria_label="required") if is_required else None
    draw(
        f"{key} label",
        node(
            "div.field",
            node("b", name),
            mark,
            node("small", f" {about}") if about else None,
            node("div.bad", icon("error"), " ", error, role="alert") if error else None,
        ),
    )


def plain(name: str) -> str:
    """Return a name without what Markdown would take for more than text."""
    return re.sub(r"[^\w .-]", " ", name).strip() or "field"


def _widget(one: FormField, key: str) -> None:
    # Read by screen readers only: the label that is seen is drawn above.
    label = plain(" ".join(one.path))
    match one.type:
        case FieldType.CHOICE:
            _choice(label, key, range(len(one.choices)), lambda number: choice_text(one.choices[number]))
        case FieldType.BOOLEAN if isinstance(one.default, bool):
            st.toggle(label, key=key, label_visibility="collapsed")
        case FieldType.BOOLEAN:
            _choice(label, key, (True, False), lambda yes: "yes" if yes else "no")
        case FieldType.DATE:
            first, last = date.min, date.max
            st.date_input(
                label, None, first, last, key=key, format="YYYY-MM-DD", label_visibility="collapsed"
            )
        case FieldType.JSON:
            st.text_area(label, key=key, placeholder="JSON", height=110, label_visibility="collapsed")
        case _ if "\n" in str(st.session_state.get(key) or ""):
            st.text_area(label, key=key, label_visibility="collapsed")
        case _:
            example = _EXAMPLES.get(one.type, "")
            if one.has_default and one.default not in (None, ""):
                example = f"default: {one.default}"
            st.text_input(label, key=key, placeholder=example, label_visibility="collapsed")


def _choice(label: str, key: str, options: Sequence[Any], text: Callable[[Any], str]) -> None:
    st.selectbox(
        label,
        options,
        index=None,
        key=key,
        format_func=text,
        placeholder="Choose one",
        label_visibility="collapsed",
    )


def choice_text(choice: JsonValue) -> str:
    """Return a choice as it is shown."""
    return choice if isinstance(choice, str) and choice else json.dumps(choice, ensure_ascii=False)


def error_note(title: str, *lines: Node) -> Node:
    """Return a note that something was not done."""
    return node(
        "div.alert.red",
        icon("error"),
        node("div", node("p.what", title), *(node("p", line) for line in lines)),
        role="status",
    )
