"""Keeping secrets out of logs and traces, also where an error message repeats them."""

import json
import os
import re
from collections.abc import Iterable
from urllib.parse import unquote

from pydantic import SecretStr
from pydantic_settings import BaseSettings
from yarl import URL

#: Stands where a secret stood.
MASK = "***"

#: Shorter ones would also mask texts that are not secret.
_SHORTEST = 8

_WORDS = "passw(?:or)?d|client_secret|(?:access|refresh)_token|api_?key"

#: What is secret wherever it stands: passwords in addresses, keys and signatures, credentials in headers, and
#: fields of JSON. Each with texts, in small letters, one of which is there whenever the form is.
_FORMS = (
    (("://",), re.compile(r"""(?<=://)([^/\s:@"']*:)[^/\s@"']+(?=@)""")),
    (
        ("=", "%3d"),
        re.compile(
            rf"""(?i)(\b(?:AccountKey|SharedAccessKey|sig|pwd|{_WORDS})(?:=|%3D)["']?)[^;&\s"']+""",
        ),
    ),
    (
        ("authorization",),
        re.compile(
            r"""(?ix) (\bauthorization["']?\s*[:=]\s*["']?)
            (?:(?:bearer|basic|sharedkey|sharedkeylite)\s+)? [^\s"',;]+"""
        ),
    ),
    (("passw", "secret", "_token", "key"), re.compile(rf"""(?i)(["'](?:{_WORDS})["']\s*:\s*["'])[^"']+""")),
)


class Redaction:
    """Masks the given secrets, and every text that has a secret's form."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {
            spelling
            for secret in secrets
            if len(secret) >= _SHORTEST
            for spelling in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])
        }
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def text(self, text: str) -> str:
        """Return the text with its secrets masked."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        small = text.lower()
        for signs, form in _FORMS:
            if any(sign in small for sign in signs):
                text = form.sub(rf"\1{MASK}", text)
        return text


def redaction_for(settings: BaseSettings) -> Redaction:
    """Mask what the settings and OpenTelemetry's own variables keep secret."""
    return Redaction(_secrets_of(settings))


def _secrets_of(settings: BaseSettings) -> Iterable[str]:
    values = (getattr(settings, name) for name in type(settings).model_fields)
    own = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    for secret in (*own, *getattr(settings, "further_secrets", ())):
        # A password that is the user's name, as in a stack for trying out, stands in many places.
        if secret == getattr(settings, "rabbitmq_user", None):
            continue
        yield secret
        if "://" in secret.partition(";")[0]:
            address = URL(secret)
            if address.password and address.password != address.user:
                yield address.password
        yield from (part.partition("=")[2] for part in secret.split(";") if part.startswith("AccountKey="))
    for name, headers in os.environ.items():
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("HEADERS"):
            for header in headers.split(","):
                # A header that is malformed is complained of as a whole.
                value = (header.partition("=")[2] or header).strip()
                yield from {value, unquote(value)}
