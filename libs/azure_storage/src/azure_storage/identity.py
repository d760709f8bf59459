"""Managed identities, for accounts that accept no keys."""

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential


def managed_identity(client_id: str | None = None) -> AsyncTokenCredential:
    """Give the identity this process runs under in Azure; a client id chooses among several."""
    return ManagedIdentityCredential(client_id=client_id)


def any_identity() -> AsyncTokenCredential:
    """Give whatever identity is at hand: workload, managed, or that of a developer's tools."""
    return DefaultAzureCredential()
