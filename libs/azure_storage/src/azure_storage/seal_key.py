"""The key that seals announcements, kept where only those who may write the journal can read it.

It is a row of the register's table. Deleting the row rotates the key: the next process that starts makes
another one, and messages sealed with the old one are taken for mere numbers.
"""

import secrets
from contextlib import suppress

from azure_storage.connection import StorageConnection
from azure_storage.queries import TableQueries
from azure_storage.transactions import TableTransactions
from coordination.ports import Insert, RefusedError, UnknownOutcomeError

#: Beside the shards, which are one digit each.
_PARTITION, _ROW = "seal", "announcements"

_TIMEOUT_SECONDS = 5.0


async def seal_key(connection: StorageConnection) -> tuple[str, bytes]:
    """Return the name of the installation's key and the key; make one where none is.

    The table must be there. Raises UnknownOutcomeError.
    """
    table = connection.names.index_table
    queries = TableQueries(connection, table, _TIMEOUT_SECONDS)
    row = await queries.read("seal.read", _PARTITION, _ROW)
    if row is None:
        made = Insert(_ROW, {"key_name": secrets.token_hex(8), "key": secrets.token_hex(32)})
        # Refused: another process made one at the same moment, or this one did and was not answered.
        with suppress(RefusedError):
            await TableTransactions(connection).send(
                "seal.create", table, _PARTITION, [made], _TIMEOUT_SECONDS
            )
        row = await queries.read("seal.read", _PARTITION, _ROW)
    if row is None:
        raise UnknownOutcomeError("the key that seals announcements was deleted as it was made")
    return str(row.values["key_name"]), bytes.fromhex(str(row.values["key"]))
