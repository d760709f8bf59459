"""turnstile quarantine. As in `main`, what it needs is imported when it runs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from command_line.output import clock_time, connected, console, print_json, safe
from command_line.shared_options import DEFAULT_URL, Json, Url, whole_number

EPILOG = "Example: `turnstile quarantine --limit 10`"


def quarantine(
    limit: Annotated[
        int, typer.Option(metavar="1..200", parser=whole_number(1, 200), help="Maximum number of messages.")
    ] = 50,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show the oldest messages that no service could use, with the reasons; none is removed."""
    with connected(url, as_json=as_json) as api:
        page = api.get("/api/v1/quarantine", limit=limit)
        print_json(page) if as_json else _print(page["items"], page["total"])


def _print(messages: Sequence[Mapping[str, Any]], total: int) -> None:
    screen = console()
    if not messages:
        screen.print("Nothing is in quarantine.")
        return
    shown = "the oldest first" if len(messages) == total else f"the oldest {len(messages)} of them"
    screen.print(f"{total:,} in quarantine, {shown}:")
    for message in messages:
        screen.print()
        screen.print(safe(message["reason"]), style="red", soft_wrap=True)
        screen.print(safe(", ".join(_facts(message))), style="dim", soft_wrap=True)
        for line in message["body"].splitlines() or ["(empty body)"]:
            screen.print(safe(f"  {line}"), soft_wrap=True)
        if message["truncated"]:
            screen.print(f"  … {message['size']:,} bytes in total", style="dim")


def _facts(message: Mapping[str, Any]) -> list[str]:
    headers = [f"{name}={value}" for name, value in message["headers"].items()]
    since = clock_time(message["quarantined_at"], with_date=True)
    facts = {
        "since": since,
        "from": message["queue"] or message["exchange"],
        "id": message["message_id"],
        "sent by": message["sender"],
        "type": message["content_type"],
        "trace": message["trace_id"],
        "headers": " ".join(headers),
    }
    return [f"{name} {value}" for name, value in facts.items() if value] or ["no properties"]
