"""The connection to a storage account: one HTTP session, the clients that share it, and names."""

from collections.abc import Awaitable, Iterable
from functools import cached_property
from typing import Self

import aiohttp
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from azure_storage.calls import ObserveCall, RefusedCallError, StorageCaller, deadline_in, ignore_call
from azure_storage.names import StorageNames

Credential = AzureNamedKeyCredential | AsyncTokenCredential

_PREPARE_SECONDS = 10.0
_CONNECTIONS = 64


class StorageConnection:
    """A storage account, seen through clients that never repeat a request by themselves.

    Its clients are made on first use, inside the running event loop; `aclose` ends them and the credential.
    """

    def __init__(
        self,
        blob_url: str,
        table_url: str,
        credential: Credential,
        names: StorageNames | None = None,
        observe_call: ObserveCall = ignore_call,
    ) -> None:
        self.blob_url = blob_url.rstrip("/")
        self.table_url = table_url.rstrip("/")
        self.credential = credential
        self.names = names or StorageNames()
        self.caller = StorageCaller(observe_call)

    @classmethod
    def from_connection_string(
        cls, text: str, names: StorageNames | None = None, observe_call: ObserveCall = ignore_call
    ) -> Self:
        """Connect by account name and key. Raises ValueError when the text lacks one of them."""
        parts = dict(part.strip().split("=", 1) for part in text.split(";") if "=" in part)
        try:
            account, key = parts["AccountName"], parts["AccountKey"]
        except KeyError as missing:
            raise ValueError(f"the storage connection string has no {missing.args[0]}") from None
        scheme = parts.get("DefaultEndpointsProtocol", "https")
        suffix = parts.get("EndpointSuffix", "core.windows.net")
        blob_url = parts.get("BlobEndpoint", f"{scheme}://{account}.blob.{suffix}")
        table_url = parts.get("TableEndpoint", f"{scheme}://{account}.table.{suffix}")
        return cls(blob_url, table_url, AzureNamedKeyCredential(account, key), names, observe_call)

    @cached_property
    def session(self) -> aiohttp.ClientSession:
        """The one HTTP session; it leaves decompression and redirects to its users."""
        is_emulator = self.table_url.startswith("http://")
        connector = aiohttp.TCPConnector(
            limit=_CONNECTIONS,
            # A connection reused just as the server closes it turns a commit into an unknown outcome; the
            # emulator closes idle ones after 5 s.
            keepalive_timeout=4 if is_emulator else 60,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=not is_emulator,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    @cached_property
    def blobs(self) -> BlobServiceClient:
        """Blob Storage."""
        return BlobServiceClient(
            self.blob_url, credential=self.credential, transport=self._transport(), retry_total=0
        )

    @cached_property
    def tables(self) -> TableServiceClient:
        """Table Storage."""
        return TableServiceClient(
            self.table_url, credential=self.credential, transport=self._transport(), retry_total=0
        )

    @cached_property
    def locks(self) -> ContainerClient:
        """The container with one blob per lock."""
        return self.blobs.get_container_client(self.names.lock_container)

    def table(self, full_name: str) -> TableClient:
        """Return a client of one table, named as `names` has it."""
        return self.tables.get_table_client(full_name)

    async def prepare(self, more_tables: Iterable[str] = ()) -> None:
        """Create the container and the tables that do not exist yet; any number of processes may.

        Raises UnknownOutcomeError, AccessDeniedError, or ValueError when the store refuses a name.
        """
        await self._create(self.locks.create_container())
        own = (self.names.journal_table, self.names.index_table, self.names.schedule_table)
        for name in (*own, *more_tables):
            await self._create(self.tables.create_table(name))

    async def _create(self, creation: Awaitable[object]) -> None:
        try:
            await self.caller.carry_out("storage.prepare", creation, deadline_in(_PREPARE_SECONDS))
        except RefusedCallError as refused:
            if refused.code not in {"ContainerAlreadyExists", "TableAlreadyExists"}:
                raise ValueError(str(refused)) from refused

    async def aclose(self) -> None:
        """Close the session and the credential."""
        if "session" in self.__dict__:
            await self.session.close()
        if not isinstance(self.credential, AzureNamedKeyCredential):
            await self.credential.close()

    def _transport(self) -> AioHttpTransport:
        return AioHttpTransport(session=self.session, session_owner=False)
