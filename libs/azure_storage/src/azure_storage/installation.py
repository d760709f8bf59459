"""Connecting to the storage account that a service's settings name."""

from typing import Protocol

from pydantic import SecretStr

from azure_storage.calls import ObserveCall, ignore_call
from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames


class StorageSettings(Protocol):
    """What the settings of a service say about storage."""

    @property
    def storage_connection_string(self) -> SecretStr | None:
        """The account with its key."""

    @property
    def storage_blob_url(self) -> str | None:
        """The account's blobs, without a key."""

    @property
    def storage_table_url(self) -> str | None:
        """The account's tables, without a key."""

    @property
    def storage_namespace(self) -> str:
        """What leads all names."""


def connect(settings: StorageSettings, observe_call: ObserveCall = ignore_call) -> StorageConnection:
    """Connect by key where a connection string is given, by identity otherwise.

    The identity is the workload's or the machine's managed one, or that of a developer's tools; the variable
    AZURE_TOKEN_CREDENTIALS=prod, read by azure-identity, leaves only the first two.

    Raises ValueError when neither is complete or a name is unusable.
    """
    names = StorageNames(settings.storage_namespace)
    if settings.storage_connection_string is not None:
        secret = settings.storage_connection_string.get_secret_value()
        return StorageConnection.from_connection_string(secret, names, observe_call)
    if settings.storage_blob_url is None or settings.storage_table_url is None:
        raise ValueError("storage needs a connection string, or a blob address and a table address")
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - slow; few installations need it

    return StorageConnection(
        settings.storage_blob_url, settings.storage_table_url, DefaultAzureCredential(), names, observe_call
    )
