"""The part of the form that holds a job's parameters: field by field, or as one JSON text."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st
from pydantic import JsonValue

from contracts.jobs import Kind
from dashboard.component import draw
from dashboard.forms.entries import (
    EntryError,
    default_entries,
    entries_of,
    field_errors,
    parameters_of,
    read_json,
)
from dashboard.forms.schema import fields_of, leaves
from dashboard.forms.widgets import Widgets, field
from dashboard.parts.nodes import node

#: What is wrong with a field, by the field's name as the publisher writes it.
Errors = list[tuple[str, str]]

REQUIRED = "is required"

_AS_JSON, _TEXT = "submit-as-json", "submit-json"


class ParametersForm:
    """The parameters of one kind, as they are entered in this session."""

    def __init__(self, kind: Kind) -> None:
        self._fields = fields_of(kind.parameters)
        self._widgets = Widgets(kind.kind, self._fields)
        #: Whether an object of any properties is taken, of which a form knows nothing.
        self._is_free = not self._fields and kind.parameters.get("additionalProperties", True) is not False

    def begin(self) -> None:
        """Enter the defaults where nothing was entered yet."""
        self._widgets.fill(default_entries(self._fields), only_new=True)
        if st.session_state.get(_TEXT) is None:
            st.session_state[_TEXT] = "{}"

    def fill(self, parameters: Mapping[str, JsonValue]) -> None:
        """Enter these parameters: as JSON, when the form cannot show them as they are."""
        entries = entries_of(self._fields, parameters)
        st.session_state[_AS_JSON] = entries is None
        st.session_state[_TEXT] = _text(parameters)
        self._widgets.fill(default_entries(self._fields) if entries is None else entries)

    def reset(self) -> None:
        """Enter the defaults."""
        entries = default_entries(self._fields)
        st.session_state[_AS_JSON] = False
        st.session_state[_TEXT] = _text(parameters_of(self._fields, entries).values)
        self._widgets.fill(entries)

    def read(self) -> tuple[Mapping[str, JsonValue], Errors]:
        """Return the parameters that are entered, and what is wrong with them already here."""
        if not self._is_json:
            made = parameters_of(self._fields, self._widgets.entries())
            wrong = [(".".join(("parameters", *path)), message) for path, message in made.errors.items()]
            return made.values, wrong
        try:
            found = read_json(st.session_state.get(_TEXT) or "{}")
        except EntryError as error:
            return {}, [("parameters", str(error))]
        if not isinstance(found, dict):
            return {}, [("parameters", "is not a JSON object")]
        return found, []

    def show(self, errors: Sequence[tuple[str, str]]) -> Errors:
        """Show the fields with what is wrong with each; return the errors that belong to none of them."""
        of_parameters = [one for one in errors if one[0].split(".")[0].split("[")[0] == "parameters"]
        others = [one for one in errors if one not in of_parameters]
        with st.container(horizontal=True, horizontal_alignment="distribute", key="submit-head"):
            draw("submit-title", node("b", "Parameters"))
            if not self._is_free:
                st.toggle("As JSON", key=_AS_JSON, on_change=self._switch)
        if self._is_json:
            message = "; ".join(_inside(place, text) for place, text in of_parameters)
            height = min(420, 90 + 22 * str(st.session_state.get(_TEXT)).count("\n"))
            with field(_TEXT, "All of them", "A JSON object", error=message or None):
                st.text_area("Parameters", key=_TEXT, height=height, label_visibility="collapsed")
            return others
        at_fields, rest = field_errors(self._fields, of_parameters)
        if not list(leaves(self._fields)):
            draw("submit-no-parameters", node("p.muted", "This kind takes no parameters."))
        self._widgets.show(at_fields)
        return others + rest

    @property
    def _is_json(self) -> bool:
        return self._is_free or bool(st.session_state.get(_AS_JSON))

    def _switch(self) -> None:
        """Carry over what is entered to the other way of entering it."""
        if self._is_json:
            made = parameters_of(self._fields, self._widgets.entries())
            st.session_state[_TEXT] = _text(made.values)
            return
        st.session_state[_AS_JSON] = True
        found, wrong = self.read()
        entries = None if wrong else entries_of(self._fields, found)
        if entries is not None:
            st.session_state[_AS_JSON] = False
            self._widgets.fill(entries)


def _inside(place: str, message: str) -> str:
    inside = place.removeprefix("parameters").lstrip(".")
    return f"{inside}: {message}" if inside else message


def _text(parameters: Mapping[str, JsonValue]) -> str:
    return json.dumps(parameters, ensure_ascii=False, indent=2)
