"""The tests of the local storage run on both kinds of SQLite."""

import contextlib
from collections.abc import Iterator

import pytest
from azure.data.tables import TableServiceClient
from deploy.servers import private
from tests.integration.local_storage.raw import Client, row_of
from tests.integration.local_storage.sqlites import IN_WEBASSEMBLY, OF_NODE, use


@pytest.fixture(params=[OF_NODE, IN_WEBASSEMBLY])
def sqlite(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The SQLite of the emulators that a test starts."""
    kind: str = request.param
    use(kind, monkeypatch)
    return kind


@pytest.fixture(scope="module", params=[OF_NODE, IN_WEBASSEMBLY])
def azurite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[private.Azurite]:
    """Azurite with the local storage, in memory."""
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            use(request.param, patch)
            folder = tmp_path_factory.mktemp("azurite")
            server = stack.enter_context(private.azurite(folder, in_memory=True))
        yield server


@pytest.fixture
def clients(
    azurite: private.Azurite, unchanged_azurite: private.Azurite, storage_namespace: str
) -> Iterator[list[Client]]:
    """Connections to both servers, which have a table with the same few rows."""
    with contextlib.ExitStack() as stack:
        found = []
        for server in (azurite, unchanged_azurite):
            with TableServiceClient.from_connection_string(server.connection_string) as service:
                service.create_table(storage_namespace)
            client = Client(server.connection_string, storage_namespace)
            stack.callback(client.close)
            for name in ("a", "b", "c", "🎈"):
                row = row_of("TABLE", "p", name)
                assert client.send("PUT", row, f'{{"Number":1,"Name":"{name}"}}').status == 204
            found.append(client)
        yield found
