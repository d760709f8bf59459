"""The API key that a client sends: given, from the environment, or from a file that may change."""

import os
from collections.abc import Generator
from http import HTTPStatus
from pathlib import Path

import httpx

from turnstile.client.errors import InvalidArgumentError

#: The key itself, and the file that has it; the key comes first.
KEY_VARIABLE, FILE_VARIABLE = "TURNSTILE_API_KEY", "TURNSTILE_API_KEY_FILE"


class KeyAuth(httpx.Auth):
    """Sends a key with each request. That of a file is read again when the publisher refuses it."""

    def __init__(self, key: str = "", file: Path | None = None) -> None:
        self._file = file
        self._key = _of(file) if file is not None else _checked(key, "is not")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with the key; once more if the file has another key since."""
        sent = self._key
        request.headers["Authorization"] = f"Bearer {sent}"
        answer = yield request
        if answer.status_code != HTTPStatus.UNAUTHORIZED or self._file is None:
            return
        try:
            self._key = _of(self._file)
        except InvalidArgumentError:
            # The answer says that the key is not good; that the file is gone would say less.
            return
        if self._key != sent:
            request.headers["Authorization"] = f"Bearer {self._key}"
            yield request


def is_key_set() -> bool:
    """Return whether the environment names a key."""
    return any(os.environ.get(name, "").strip() for name in (KEY_VARIABLE, FILE_VARIABLE))  # noqa: TID251


def auth_of(api_key: str | None) -> KeyAuth | None:
    """Return what sends a key: this one or, for None, that of the environment, if there is one.

    Raises InvalidArgumentError for what can be no key, or a file that cannot be read.
    """
    if api_key is None:
        # Programs of others have no settings of this project.
        environment = os.environ  # noqa: TID251
        api_key = environment.get(KEY_VARIABLE, "").strip()
        file = environment.get(FILE_VARIABLE, "").strip()
        if not api_key and file:
            return KeyAuth(file=Path(file))
    return KeyAuth(api_key) if api_key else None


def _of(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError("api_key", f"{file} cannot be read: {error}") from None
    return _checked(text.strip(), f"{file} does not have")


def _checked(key: str, is_wrong: str) -> str:
    """Return a key. Raises InvalidArgumentError, which does not show it."""
    if not isinstance(key, str) or not key or not key.isascii() or not key.isprintable() or " " in key:
        message = f"{is_wrong} an API key; `turnstile keys new` prints one, which begins with ts_"
        raise InvalidArgumentError("api_key", message)
    return key
