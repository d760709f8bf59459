"""Colours of charts, which cannot read the page's own: one table for light, one for dark."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """The colours of one theme. Solids stand out from the ground at least 3 : 1."""

    ground: str
    text: str
    muted: str
    hairline: str
    #: Hues of states: continues, ended well, ended badly, was cut off, a person decided, tells nothing.
    blue: str
    green: str
    red: str
    orange: str
    violet: str
    gray: str
    #: Completed runs in big charts, where most runs are completed.
    soft_green: str
    #: Text in the colour of what was cut off.
    orange_text: str


LIGHT = Palette(
    ground="#ffffff",
    text="#1b2330",
    muted="#696e76",
    hairline="#dfe3ea",
    blue="#2f64d6",
    green="#1f8a5b",
    red="#cf3f45",
    orange="#d07a12",
    violet="#8457c9",
    gray="#7b8798",
    soft_green="#54a07c",
    orange_text="#8a4b04",
)

DARK = Palette(
    ground="#10141b",
    text="#dfe5ee",
    muted="#999ea6",
    hairline="#2a323e",
    blue="#5f92f2",
    green="#3fae7c",
    red="#e4636a",
    orange="#dd9539",
    violet="#a884e6",
    gray="#76849a",
    soft_green="#2f7d5a",
    orange_text="#f4c583",
)


def palette(theme: str | None) -> Palette:
    """Return the colours of the viewer's theme: `dark`, or anything else for light."""
    return DARK if theme == "dark" else LIGHT
