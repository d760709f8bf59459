"""A blob of the input container, read by ranges."""

import logging
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import SecretStr

from sample_jobs.sources import Version
from turnstile import FailJob

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.storage.blob import BlobClient


class BlobSource:
    """A blob, read through a container URL with a shared access signature.

    A failed request is repeated three times, then the job fails. The storage library is imported only when a
    blob is read: it would add half a second to the start of every runner.
    """

    def __init__(self, container_url: SecretStr | None, name: str) -> None:
        if container_url is None:
            raise FailJob("no input container is configured here (TURNSTILE_INPUT_CONTAINER_URL)")
        self._url = container_url
        self._name = name
        self._etag: str | None = None

    def __enter__(self) -> Self:
        """Make a client; nothing is sent yet."""
        from azure.storage.blob import ContainerClient  # noqa: PLC0415

        # Logs each request's URL and headers otherwise.
        logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)
        container = ContainerClient.from_container_url(
            self._url.get_secret_value(), retry_total=3, connection_timeout=5, read_timeout=30
        )
        self._blob: BlobClient = container.get_blob_client(self._name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._blob.close()

    def version(self) -> Version:
        """Return the blob's size and ETag."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        try:
            found = self._blob.get_blob_properties()
        except AzureError as error:
            raise self._explain(error) from None
        self._etag = found.etag
        return Version(found.size, found.etag)

    def read(self, offset: int, length: int) -> bytes:
        """Read from the version that `version` returned last."""
        from azure.core import MatchConditions  # noqa: PLC0415
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        if length == 0:
            return b""
        try:
            return self._blob.download_blob(
                offset, length, etag=self._etag, match_condition=MatchConditions.IfNotModified
            ).readall()
        except AzureError as error:
            raise self._explain(error) from None

    def _explain(self, error: "AzureError") -> FailJob:
        """Return the reason without the library's text, which may quote the signed URL."""
        from azure.core.exceptions import (  # noqa: PLC0415
            HttpResponseError,
            ResourceModifiedError,
            ResourceNotFoundError,
        )

        match error:
            case ResourceNotFoundError():
                return FailJob(f"blob {self._name!r} does not exist")
            case ResourceModifiedError():
                return FailJob(f"blob {self._name!r} has changed while it was read")
            case HttpResponseError(status_code=401 | 403):
                return FailJob(f"blob {self._name!r} may not be read with the configured signature")
            case HttpResponseError():
                return FailJob(f"blob {self._name!r} cannot be read: HTTP {error.status_code}")
            case _:
                return FailJob(f"blob {self._name!r} cannot be read: {type(error).__name__}")
