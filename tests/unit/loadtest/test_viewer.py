"""A viewer without a browser: what it keeps of a page's messages, and when it asks for more."""

import json
import time
from pathlib import Path

import pytest
from loadtest.viewer import Viewer
from loadtest.viewers import Viewers, Watched
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


def drawn(key: str, node: object) -> ForwardMsg:
    """Return the message that draws a tree under a key."""
    message = ForwardMsg()
    component = message.delta.new_element.bidi_component
    component.id = key
    component.bytes = json.dumps({"node": node}).encode()
    return message


@pytest.fixture
def viewer() -> Viewer:
    return Viewer("http://127.0.0.1:8050/", "job", {"id": "a b"})


def test_texts_of_all_trees_are_seen_and_attributes_are_not(viewer: Viewer) -> None:
    viewer._take(drawn("notes", ["div", {"role": "status"}, ["p", {}, "The storage ", ["b", "is"]], " away"]))
    viewer._take(drawn("head", ["h1", {"title": "hidden"}, "Overview"]))
    assert "The storage  is  away" in viewer.text
    assert "Overview" in viewer.text
    assert "status" not in viewer.text
    assert "hidden" not in viewer.text


def test_a_tree_that_is_drawn_again_takes_the_place_of_the_one_before(viewer: Viewer) -> None:
    viewer._take(drawn("notes", ["div", {}, "away"]))
    viewer._take(drawn("notes", ["div", {}]))
    assert viewer.text == ""


def test_a_fragment_is_due_when_the_page_asks_for_it(viewer: Viewer) -> None:
    message = ForwardMsg()
    message.auto_rerun.fragment_id, message.auto_rerun.interval = "f", 2.0
    viewer._take(message)
    (interval, at) = viewer._due["f"]
    assert interval == 2.0
    assert 1.0 < at - time.monotonic() <= 2.0


def test_the_end_of_a_run_is_a_refresh_and_exceptions_are_noted(viewer: Viewer) -> None:
    message = ForwardMsg()
    message.delta.new_element.exception.type = "ValueError"
    message.delta.new_element.exception.message = "no"
    viewer._take(message)
    assert viewer.exceptions == ["ValueError: no"]
    assert viewer.refresh_seconds == []
    end = ForwardMsg()
    end.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
    viewer._take(end)
    assert len(viewer.refresh_seconds) == 1


def test_the_address_is_that_of_the_pages_socket(viewer: Viewer) -> None:
    assert viewer._url == "ws://127.0.0.1:8050/_stcore/stream"
    assert viewer._query == "id=a+b"


def test_pages_of_a_dashboard_that_is_away_stand_still(tmp_path: Path) -> None:
    watched = Viewers("http://127.0.0.1:9", 5, tmp_path).stop()
    assert watched == Watched(5, [], [], ["overview", "jobs", "locks", "workers", "overview"])
