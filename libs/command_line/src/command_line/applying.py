"""turnstile apply: let the schedules of a file be what it says."""

# ruff: noqa: PLC0415

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command_line.output import connected, console, print_json, safe
from command_line.shared_options import DEFAULT_URL, Actor, Json, Reason, Url

if TYPE_CHECKING:
    from command_line.api import Api
    from contracts.schedules import ScheduleDefinition

EPILOG = (
    "Example: `turnstile apply schedules.toml --dry-run`  \n"
    "Example: `turnstile apply schedules.toml --reason 'summer timetable'`"
)

_NOT_FOUND = 404


def apply(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="TOML with a table [schedules.NAME] for each.")
    ],
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Create and change schedules until they are what a file says, and show each difference.

    Schedules that the file does not name stay as they are. A paused one stays paused.
    """
    from command_line.exit_codes import USAGE
    from command_line.output import complain
    from contracts.schedule_files import ScheduleFileError, read_schedules

    try:
        wanted = read_schedules(path)
    except (ScheduleFileError, OSError) as error:
        complain(str(error))
        raise typer.Exit(USAGE) from None
    done = []
    with connected(url, as_json=as_json, actor=actor) as api:
        for name, definition in wanted.items():
            change = _change(api, name, definition)
            if not as_json:
                _show(change, is_dry_run=is_dry_run)
            if change["changes"] and not is_dry_run:
                _put(api, name, definition, reason)
            done.append(change)
    if as_json:
        print_json({"schedules": done, "dry_run": is_dry_run})


def _change(api: "Api", name: str, definition: "ScheduleDefinition") -> dict[str, Any]:
    """Return what a schedule is to be, beside what it is."""
    from command_line.api import ApiError
    from contracts.schedules import Schedule, changed_fields, definition_of
    from turnstile.client.schedules import schedule_path

    try:
        found = api.get(schedule_path(name))
    except ApiError as error:
        if error.problem.get("status") != _NOT_FOUND:
            raise
        return {"name": name, "action": "create", "changes": changed_fields(None, definition)}
    changes = changed_fields(definition_of(Schedule.model_validate(found)), definition)
    return {"name": name, "action": "change" if changes else "none", "changes": changes}


def _put(api: "Api", name: str, definition: "ScheduleDefinition", reason: str) -> None:
    from turnstile.client.schedules import definition_body, schedule_path

    api.ask_twice("PUT", schedule_path(name), definition_body(definition, reason))


def _show(change: Mapping[str, Any], *, is_dry_run: bool) -> None:
    said = {
        "create": "would be created" if is_dry_run else "is created",
        "change": "would change" if is_dry_run else "changes",
        "none": "is as the file says",
    }
    screen = console()
    screen.print(safe(f"{change['name']} {said[change['action']]}"), soft_wrap=True)
    for field, values in change["changes"].items():
        if change["action"] == "change":
            screen.print(safe(f"  - {field} = {values['from']}"), style="red", soft_wrap=True)
        screen.print(safe(f"  + {field} = {values['to']}"), style="green", soft_wrap=True)
