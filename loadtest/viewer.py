"""A viewer of the dashboard without a browser: it speaks the protocol of Streamlit's pages over a WebSocket.

It opens a page, lets it refresh as often as the page asks to, and comes back by itself when the server has
gone. What a page shows is the text of the trees that the dashboard's component draws.

`python -m loadtest.viewer URL COUNT` keeps pages open until its input ends, and then prints what was seen, as
`loadtest.viewers.Watched` has it.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from loadtest.viewers import Watched

#: Seconds between two tries to reach a server that does not answer.
_RETRY_SECONDS = 0.5

_TIMEOUT_SECONDS = 15.0

#: Pages that several viewers open, one after another.
_PAGES = ("", "jobs", "locks", "workers")

#: Seconds without a refresh after which a page has stood still.
_STILL_SECONDS = 30.0

#: The largest message of a page, in bytes.
_LARGEST = 32 * 1024 * 1024


class Viewer:
    """One open tab. Run it with `run`; what it sees may be read from the same event loop at any time."""

    def __init__(self, url: str, page: str = "", query: Mapping[str, str] | None = None) -> None:
        self._url = f"{url.replace('http', 'ws', 1).rstrip('/')}/_stcore/stream"
        self._page = page
        self._query = urlencode(query or {})
        #: The trees that the page shows, by the ids of their components.
        self._trees: dict[str, Any] = {}
        #: Fragments that refresh by themselves: seconds between two refreshes, and when the next is due.
        self._due: dict[str, tuple[float, float]] = {}
        self._asked_at = 0.0
        #: Seconds that each refresh took, and when the latest came.
        self.refresh_seconds: list[float] = []
        self.refreshed_at = 0.0
        #: Exceptions that the page showed.
        self.exceptions: list[str] = []
        self.connections = 0

    async def run(self) -> None:
        """Keep the page open until cancelled."""
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                async with connect(
                    self._url,
                    subprotocols=["streamlit"],  # type: ignore[list-item]
                    max_size=_LARGEST,
                    open_timeout=_TIMEOUT_SECONDS,
                    proxy=None,
                ) as socket:
                    self.connections += 1
                    self._due.clear()
                    self._trees.clear()
                    await self._ask(socket, "")
                    await self._watch(socket)
            await asyncio.sleep(_RETRY_SECONDS)

    @property
    def text(self) -> str:
        """All text of the page."""
        return " ".join(" ".join(_texts(tree)) for tree in self._trees.values())

    @property
    def trees(self) -> list[Any]:
        """The trees that the page shows."""
        return list(self._trees.values())

    async def _watch(self, socket: ClientConnection) -> None:
        while True:
            wait = min((at for _, at in self._due.values()), default=time.monotonic() + 1) - time.monotonic()
            try:
                async with asyncio.timeout(max(wait, 0.01)):
                    received = await socket.recv()
            except TimeoutError:
                await self._refresh(socket)
                continue
            if isinstance(received, bytes):
                self._take(ForwardMsg.FromString(received))

    async def _refresh(self, socket: ClientConnection) -> None:
        now = time.monotonic()
        for fragment, (interval, at) in list(self._due.items()):
            if at <= now:
                self._due[fragment] = interval, now + interval
                await self._ask(socket, fragment)

    async def _ask(self, socket: ClientConnection, fragment: str) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name, state.fragment_id = self._query, self._page, fragment
        state.is_auto_rerun = bool(fragment)
        state.context_info.timezone, state.context_info.color_scheme = "UTC", "light"
        self._asked_at = time.monotonic()
        await socket.send(message.SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        match message.WhichOneof("type"):
            case "auto_rerun":
                rerun = message.auto_rerun
                self._due[rerun.fragment_id] = rerun.interval, time.monotonic() + rerun.interval
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                self._draw(message.delta.new_element)
            case "script_finished":
                self.refreshed_at = time.monotonic()
                self.refresh_seconds.append(self.refreshed_at - self._asked_at)

    def _draw(self, element: Any) -> None:
        match element.WhichOneof("type"):
            case "bidi_component":
                # A tree that is the same as before comes as a reference to it: what is kept still holds.
                drawn = element.bidi_component
                self._trees[drawn.id] = json.loads(drawn.bytes)["node"]
            case "exception":
                self.exceptions.append(f"{element.exception.type}: {element.exception.message}")


def _texts(tree: Any) -> Iterator[str]:
    """Go through all texts of a tree: an element is a list of its tag, its attributes and its children."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for child in tree[1:]:
            yield from _texts(child)


async def _watch(url: str, count: int) -> Watched:
    pages = [_PAGES[number % len(_PAGES)] for number in range(count)]
    viewers = [Viewer(url, page) for page in pages]
    watching = [asyncio.create_task(viewer.run()) for viewer in viewers]
    await asyncio.to_thread(sys.stdin.read)
    now = time.monotonic()
    still = [
        page or "overview"
        for page, viewer in zip(pages, viewers, strict=True)
        if not viewer.refresh_seconds or now - viewer.refreshed_at > _STILL_SECONDS
    ]
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return Watched(
        count,
        [seconds for viewer in viewers for seconds in viewer.refresh_seconds],
        [exception for viewer in viewers for exception in viewer.exceptions],
        still,
    )


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_watch(sys.argv[1], int(sys.argv[2]))))))
