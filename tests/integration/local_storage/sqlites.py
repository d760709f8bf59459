"""Both kinds of SQLite that the local storage can run on."""

import pytest
from deploy.servers import nodejs, private

OF_NODE, IN_WEBASSEMBLY = "SQLite of Node.js", "SQLite in WebAssembly"


def use(sqlite: str, patch: pytest.MonkeyPatch) -> None:
    """Have emulators that start from now on use this SQLite."""
    private.ensure_installed()
    own_has_it = nodejs.own_has_sqlite()
    if sqlite == OF_NODE:
        assert own_has_it or nodejs.program() != "node", "There is no Node.js with SQLite, nor has npm one."
        return
    patch.setattr(nodejs, "program", lambda: "node")
    if own_has_it:
        patch.setenv("NODE_OPTIONS", "--no-experimental-sqlite")
