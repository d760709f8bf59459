"""Connecting to the storage account that a service's settings name."""

from typing import Protocol

from azure.identity.aio import DefaultAzureCredential
from pydantic import SecretStr

from azure_storage.calls import ObserveCall, ignore_call
from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames
from azure_storage.read_models.tables import ReadModelNames


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

    @property
    def lock_container(self) -> str:
        """The container of the locks."""

    @property
    def journal_table(self) -> str:
        """The authoritative table."""

    @property
    def job_index_table(self) -> str:
        """The register of all jobs."""

    @property
    def audit_table(self) -> str:
        """The audit trail."""

    @property
    def recent_events_table(self) -> str:
        """The newest events."""

    @property
    def summaries_table(self) -> str:
        """A row per job."""

    @property
    def tenures_table(self) -> str:
        """Who held which lock when."""

    @property
    def locks_table(self) -> str:
        """The locks ever seen."""

    @property
    def workers_table(self) -> str:
        """The workers' heartbeats."""

    @property
    def kinds_table(self) -> str:
        """The known kinds."""


def connect(settings: StorageSettings, observe_call: ObserveCall = ignore_call) -> StorageConnection:
    """Connect by key where a connection string is given, by identity otherwise.

    The identity is the workload's or the machine's managed one, or that of a developer's tools; the variable
    AZURE_TOKEN_CREDENTIALS=prod, read by azure-identity, leaves only the first two.

    Raises ValueError when neither is complete or a name is unusable.
    """
    names = StorageNames(
        prefix=settings.storage_namespace,
        journal=settings.journal_table,
        index=settings.job_index_table,
        locks=settings.lock_container,
    )
    if settings.storage_connection_string is not None:
        secret = settings.storage_connection_string.get_secret_value()
        return StorageConnection.from_connection_string(secret, names, observe_call)
    if settings.storage_blob_url is None or settings.storage_table_url is None:
        raise ValueError("storage needs a connection string, or a blob address and a table address")
    return StorageConnection(
        settings.storage_blob_url, settings.storage_table_url, DefaultAzureCredential(), names, observe_call
    )


def read_model_names(settings: StorageSettings) -> ReadModelNames:
    """Give the names of the read models' tables."""
    return ReadModelNames(
        audit=settings.audit_table,
        recent_events=settings.recent_events_table,
        summaries=settings.summaries_table,
        tenures=settings.tenures_table,
        locks=settings.locks_table,
        workers=settings.workers_table,
        kinds=settings.kinds_table,
    )
