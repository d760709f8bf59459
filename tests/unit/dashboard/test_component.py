"""What the component sends to a browser: the same for the same tree, so that it is not sent again."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard import component
from dashboard.parts.nodes import Node, node


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what is sent from now on."""
    found: list[bytes] = []

    def mount(*, data: bytes, **_: Any) -> Any:
        found.append(data)
        return SimpleNamespace(opened=None, act=None, hidden=False)

    v2 = SimpleNamespace(component=lambda *_, **__: mount)
    streamlit = SimpleNamespace(components=SimpleNamespace(v2=v2), get_option=lambda _: "", session_state={})
    monkeypatch.setattr(component, "st", streamlit)
    monkeypatch.setattr(component, "_ensure_registered", lambda: None)
    return found


def tree(text: str = "Büro ✓") -> Node:
    return node("p", text, title="</script>")


def test_a_tree_that_is_the_same_is_sent_in_the_same_bytes(
    sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter((1.0, 2.0, 3.0))
    monkeypatch.setattr("time.time", lambda: next(moments))
    component.draw("a", tree())
    component.draw("a", tree())
    component.draw("a", tree("other"))
    first, again, other = sent
    assert first == again != other
    assert json.loads(first) == {"node": tree(), "base": "/", "all": [], "watch": False}


def test_one_tree_of_a_page_carries_the_time(sent: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 7.5)
    component.draw("foot", tree(), sets_clock=True)
    assert json.loads(sent[0])["now"] == 7500
