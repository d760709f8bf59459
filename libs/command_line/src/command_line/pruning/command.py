"""The command: finds what may be removed, removes it if that was asked, and says what went and what stays."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from pydantic import ValidationError

from command_line.exit_codes import STOPPED, UNREACHABLE, USAGE
from command_line.moments import option_age
from command_line.output import complain, print_json
from command_line.pruning.report import print_found, print_pruned
from command_line.shared_options import LONGEST_ACTOR, usual_actor
from contracts import lock_names
from coordination.journal.events import timestamp
from coordination.maintenance.pruning import Pruned
from coordination.maintenance.removable import Kept
from coordination.ports import CoordinationError
from proof import NoTablesError, StorageSettingsError
from proof.pruning import connected_pruning
from service_defaults.settings import ServiceSettings, complaints

#: Exit code when something was left that could have gone.
LEFT = 1


@dataclass(frozen=True)
class Asked:
    """The options of `turnstile prune`, as text."""

    older_than: str
    locks: list[str]
    actor: str


def run(asked: Asked, *, is_carried_out: bool, as_json: bool) -> None:
    """Look or remove, show what came of it, and end with 0, or 1 if a lock was left alone."""
    ended_before = datetime.now(UTC) - option_age("--older-than", asked.older_than)
    try:
        locks = tuple(dict.fromkeys(lock_names.normalise(name) for name in asked.locks))
        settings = ServiceSettings()
    except ValidationError as error:
        _give_up("; ".join(complaints(ServiceSettings, error)), USAGE)
    except ValueError as error:
        _give_up(f"--lock: {error}", USAGE)
    actor = usual_actor(asked.actor)[:LONGEST_ACTOR]
    try:
        outcome = asyncio.run(
            _carry_out(settings, locks, ended_before, actor)
            if is_carried_out
            else _look(settings, locks, ended_before)
        )
    except NoTablesError as error:
        _give_up(f"nothing to remove: {error}; check TURNSTILE_STORAGE_NAMESPACE", USAGE)
    except StorageSettingsError as error:
        _give_up(str(error), USAGE)
    except CoordinationError as error:
        _give_up(f"the storage does not answer: {error}; repeat the command", UNREACHABLE)
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    _show(outcome, ended_before, is_carried_out=is_carried_out, as_json=as_json)
    raise typer.Exit(LEFT if any(one.refusal for one in outcome) else 0)


async def _look(settings: ServiceSettings, locks: Sequence[str], ended_before: datetime) -> list[Pruned]:
    async with connected_pruning(settings) as (pruning, known_locks):
        wanted = locks or await known_locks()
        return [Pruned(found) async for found in pruning.look(wanted, ended_before)]


async def _carry_out(
    settings: ServiceSettings, locks: Sequence[str], ended_before: datetime, actor: str
) -> list[Pruned]:
    async with connected_pruning(settings) as (pruning, known_locks):
        wanted = locks or await known_locks()
        return [done async for done in pruning.prune(wanted, ended_before, actor)]


def _show(outcome: Sequence[Pruned], ended_before: datetime, *, is_carried_out: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "ended_before": timestamp(ended_before),
                "carried_out": is_carried_out,
                "locks": [_document(one, is_carried_out=is_carried_out) for one in outcome],
            }
        )
    elif is_carried_out:
        print_pruned(outcome, ended_before)
    else:
        print_found(outcome, ended_before)


def _document(one: Pruned, *, is_carried_out: bool) -> dict[str, Any]:
    found = one.found
    document: dict[str, Any] = {
        "lock": found.lock_name,
        "removable": {"jobs": found.jobs, "runs": found.runs, "events": found.events, "rows": found.rows},
        "kept": {why.value: found.kept.get(why, 0) for why in Kept},
        "removed_before": found.removed_before,
    }
    if is_carried_out:
        document |= {"removed": {"jobs": one.jobs, "rows": one.deleted}, "refusal": one.refusal or None}
    return document


def _give_up(sentence: str, code: int) -> NoReturn:
    complain(sentence)
    raise typer.Exit(code)
