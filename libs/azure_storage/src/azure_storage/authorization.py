"""Authorization of raw requests to Azure Storage: by account key, or by the token of an identity."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential

_SCOPE = "https://storage.azure.com/.default"

#: A token is renewed this long before it expires.
_SPARE_SECONDS = 300

#: Headers whose values are signed in this order; the names of all others that are signed begin with x-ms.
_SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


class Authorization(Protocol):
    """What lets a request in."""

    async def headers(self, method: str, url: str, sent: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers to add to those that are sent with a request. Raises AzureError."""


def table_authorization(credential: AzureNamedKeyCredential | AsyncTokenCredential) -> Authorization:
    """Return the authorization for tables that fits the credential."""
    if isinstance(credential, AzureNamedKeyCredential):
        return _TableKey(credential)
    return _Token(credential)


def blob_authorization(credential: AzureNamedKeyCredential | AsyncTokenCredential) -> Authorization:
    """Return the authorization for requests about blobs that fits the credential."""
    if isinstance(credential, AzureNamedKeyCredential):
        return _BlobKey(credential)
    return _Token(credential)


class _AccountKey:
    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        self._account = credential.named_key.name
        self._key = base64.b64decode(credential.named_key.key)

    def _signed(self, scheme: str, text: str) -> str:
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), hashlib.sha256)).decode()
        return f"{scheme} {self._account}:{signature}"


class _TableKey(_AccountKey):
    """Shared Key Lite: learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""

    def __init__(self, credential: AzureNamedKeyCredential) -> None:
        super().__init__(credential)
        #: For which second and address the last headers are: transactions all go to one address.
        self._last: tuple[int, str] = (0, "")
        self._headers: Mapping[str, str] = {}

    async def headers(self, method: str, url: str, sent: Mapping[str, str]) -> Mapping[str, str]:
        wanted = int(time.time()), url
        if self._last != wanted:
            date = formatdate(usegmt=True)
            text = f"{date}\n/{self._account}{urlsplit(url).path}"
            self._headers = {"x-ms-date": date, "Authorization": self._signed("SharedKeyLite", text)}
            self._last = wanted
        return self._headers


class _BlobKey(_AccountKey):
    """Shared Key, which blobs have in full: method, headers, address and query are signed (see `_TableKey`).

    The length of a body is not signed, so requests are without one.
    """

    async def headers(self, method: str, url: str, sent: Mapping[str, str]) -> Mapping[str, str]:
        date = formatdate(usegmt=True)
        values = {name.lower(): value for name, value in sent.items()}
        values["x-ms-date"] = date
        about = "\n".join(values.get(name, "") for name in _SIGNED)
        # In the order of the service, in which no hyphen counts; it is that of the texts for our few names.
        ours = "".join(f"{name}:{value}\n" for name, value in sorted(values.items()) if name[:5] == "x-ms-")
        address = urlsplit(url)
        query = "".join(f"\n{name.lower()}:{value}" for name, value in sorted(parse_qsl(address.query, True)))
        # An emulator's path begins with the account, which then stands there twice.
        text = f"{method}\n{about}\n{ours}/{self._account}{address.path}{query}"
        return {"x-ms-date": date, "Authorization": self._signed("SharedKey", text)}


class _Token:
    def __init__(self, credential: AsyncTokenCredential) -> None:
        self._credential = credential
        self._token = AccessToken("", 0)

    async def headers(self, method: str, url: str, sent: Mapping[str, str]) -> Mapping[str, str]:
        if not url.startswith("https://"):
            raise ValueError("a token is sent over https only")
        if self._token.expires_on - time.time() < _SPARE_SECONDS:
            self._token = await self._credential.get_token(_SCOPE)
        return {"x-ms-date": formatdate(usegmt=True), "Authorization": f"Bearer {self._token.token}"}
