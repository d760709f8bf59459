"""Authorization of raw requests to Table Storage: by account key, or by the token of an identity."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Protocol
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential

_SCOPE = "https://storage.azure.com/.default"

#: A token is renewed this long before it expires.
_SPARE_SECONDS = 300


class Authorization(Protocol):
    """What lets a request in."""

    async def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers to send with a request to this address. Raises AzureError."""


def authorization(credential: AzureNamedKeyCredential | AsyncTokenCredential) -> Authorization:
    """Return the authorization that fits the credential."""
    if isinstance(credential, AzureNamedKeyCredential):
        return _AccountKey(credential)
    return _Token(credential)


class _AccountKey:
    """Shared Key Lite: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""

    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        self._account = credential.named_key.name
        self._key = base64.b64decode(credential.named_key.key)

    async def headers(self, url: str) -> Mapping[str, str]:
        date = formatdate(usegmt=True)
        text = f"{date}\n/{self._account}{urlsplit(url).path}"
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()
        return {"x-ms-date": date, "Authorization": f"SharedKeyLite {self._account}:{signature}"}


class _Token:
    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._token = AccessToken("", 0)

    async def headers(self, url: str) -> Mapping[str, str]:
        if not url.startswith("https://"):
            raise ValueError("a token is sent over https only")
        if self._token.expires_on - time.time() < _SPARE_SECONDS:
            self._token = await self._credential.get_token(_SCOPE)
        return {"x-ms-date": formatdate(usegmt=True), "Authorization": f"Bearer {self._token.token}"}
