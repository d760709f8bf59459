"""Both clients are alike, and who does not use them does not load them."""

import asyncio
import inspect
import subprocess
import sys
from typing import Any

import httpx
import pytest
from tests.unit.client.answers import JOB, JOB_ID, document, job

import turnstile
from turnstile import AsyncClient, Client
from turnstile.client import ClosedError, InvalidArgumentError


def signatures(client: type[Any]) -> dict[str, list[tuple[str, Any, Any]]]:
    """Return name, kind and default of each parameter of each public method."""
    return {
        name: [(one.name, one.kind, one.default) for one in inspect.signature(method).parameters.values()]
        for name, method in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_") or name == "__init__"
    }


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    assert signatures(Client) == signatures(AsyncClient)
    assert len(signatures(Client)) > 14


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("url", ["localhost:8000", "", "ftp://publisher", "http://", "http://publisher:port"])
def test_an_address_that_is_none_is_refused_at_once(client: type[Any], url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not an address of a publisher, such as http://"):
        client(url)


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("actor", ["a\n", "\x00", "x" * 101])
def test_an_actor_that_the_publisher_would_refuse_is_refused_at_once(client: type[Any], actor: str) -> None:
    with pytest.raises(InvalidArgumentError, match="must have 1 to 100 printable characters"):
        client(actor=actor)


def test_both_close_their_connections_at_the_end_of_a_with_statement() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == JOB
        return document(200, job())

    transport = httpx.MockTransport(handle)
    with Client("http://publisher/", transport=transport) as client:
        assert client.job(JOB_ID).job_id == JOB_ID
    with pytest.raises(ClosedError, match="closed"):
        client.job(JOB_ID)

    async def use() -> AsyncClient:
        async with AsyncClient("http://publisher/", transport=transport) as client:
            assert (await client.job(JOB_ID)).job_id == JOB_ID
        return client

    closed = asyncio.run(use())
    with pytest.raises(ClosedError, match="closed"):
        asyncio.run(closed.job(JOB_ID))


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_handler_loads_neither_the_client_nor_what_it_needs() -> None:
    code = (
        "import sys, turnstile, turnstile.testing\n"
        "print({'httpx', 'contracts', 'turnstile.client'} & set(sys.modules))"
    )
    assert run(code) == "set()\n"


def test_where_the_packages_of_the_client_are_missing_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None\n"
        "import turnstile\n"
        "try: turnstile.Client\n"
        "except ImportError as error: print(error)"
    )
    assert run(code) == "turnstile.Client needs httpx: install turnstile[client]\n"


def test_the_module_has_no_other_names_that_it_makes_up() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Cleint'"):
        _ = turnstile.Cleint
    assert turnstile.Client is Client
