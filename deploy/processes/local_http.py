"""HTTP requests to servers of this machine, for which no proxy is asked, whatever the environment names."""

import urllib.request
from http.client import HTTPResponse
from typing import cast

# `urlopen` would send a request for 127.0.0.1 to the proxy that http_proxy names.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str, *, timeout: float) -> HTTPResponse:
    """Request the page; the caller closes the answer. Raises HTTPError, and other OSErrors."""
    return cast("HTTPResponse", _DIRECT.open(url, timeout=timeout))
