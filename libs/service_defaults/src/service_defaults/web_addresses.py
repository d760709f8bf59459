"""Addresses of web servers in settings."""

from yarl import URL


def checked_web_address(value: str | None) -> str | None:
    """Return an address as it is, or None. Raises ValueError when it is not one of a web server."""
    if value is None:
        return None
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    try:
        is_complete = bool(URL(value).host)
    except ValueError:
        # Its message would show a part of the value.
        is_complete = False
    if not is_complete or any(character.isspace() for character in value):
        raise ValueError("must look like http://host:port")
    return value
