"""The tests of the local storage run on both kinds of SQLite."""

import contextlib
from collections.abc import Iterator

import pytest
from deploy.servers import private
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
