"""The network between the services and their servers: one proxy for each pair, in a thread of its own."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from deploy.servers import private
from tests.chaos.proxy import Link, Seen

T = TypeVar("T")

#: What a service talks to.
SERVERS = ("blob", "table", "amqp")

_ENDPOINT = re.compile(r"(Blob|Table)Endpoint=http://([\d.]+):(\d+)/")


class Network:
    """Has links for every service, whose faults can be switched from any thread."""

    def __init__(self, broker: private.RabbitMQ, storage: private.Azurite) -> None:
        self._broker_url = broker.url
        self._connection_string = storage.connection_string
        self._links: dict[tuple[str, str], Link] = {}
        self.seen = Seen()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings by which a service reaches its servers through links of its own."""
        for server in SERVERS:
            if (service, server) not in self._links:
                self._links[service, server] = self._open(service, server)
        amqp = self._links[service, "amqp"]
        parts = urlsplit(self._broker_url)
        login = parts.netloc.rpartition("@")[0]
        return {
            "TURNSTILE_RABBITMQ_URL": f"amqp://{login}@127.0.0.1:{amqp.port}{parts.path}?heartbeat=10",
            "TURNSTILE_STORAGE_CONNECTION_STRING": _ENDPOINT.sub(
                lambda found: (
                    f"{found[1]}Endpoint=http://127.0.0.1:{self._links[service, found[1].lower()].port}/"
                ),
                self._connection_string,
            ),
        }

    def reach(self, service: str, server: str, port: int) -> Link:
        """Return a link of a service to another server of this machine that speaks HTTP."""
        link = Link(service, "127.0.0.1", port, self.seen, is_http=True)
        self._run(link.start())
        self._links[service, server] = link
        return link

    def links(self, services: Iterable[str], wanted: Iterable[str] = SERVERS) -> list[Link]:
        """Return the links of services to some of the servers."""
        return [self._links[service, server] for service in services for server in wanted]

    def switch(self, links: Iterable[Link], what: Callable[[Link], object]) -> None:
        """Do something with links where they are served."""

        async def switch() -> None:
            for link in links:
                what(link)

        self._run(switch())

    def heal(self) -> None:
        """Let everything through everywhere."""
        self.switch(self._links.values(), Link.heal)

    def close(self) -> None:
        """End everything."""
        for link in self._links.values():
            self._run(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _open(self, service: str, server: str) -> Link:
        if server == "amqp":
            parts = urlsplit(self._broker_url)
            assert parts.hostname
            assert parts.port
            host, port = parts.hostname, parts.port
        else:
            found = {
                name.lower(): (host, int(port)) for name, host, port in _endpoints(self._connection_string)
            }
            host, port = found[server]
        link = Link(service, host, port, self.seen, is_http=server != "amqp")
        self._run(link.start())
        return link

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)


def _endpoints(connection_string: str) -> list[tuple[str, str, str]]:
    return _ENDPOINT.findall(connection_string)
