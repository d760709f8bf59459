"""The command: reads settings and files, asks the checker, shows the verdict, and ends with its exit code."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import typer
from pydantic import ValidationError

from command_line.exit_codes import STOPPED, UNREACHABLE, USAGE
from command_line.moments import option_moment
from command_line.output import complain, print_json
from command_line.shared_options import seconds
from command_line.verifying.report import print_verdict
from contracts import lock_names
from coordination.ports import CoordinationError
from proof import NoTablesError, StorageSettingsError, check, write_page
from service_defaults.settings import ServiceSettings, complaints
from verification import CAUSES, LedgerError, NothingToCheckError, Question, Scope

#: Exit code when something does not hold.
BROKEN = 1

_LIMIT = "--take-over-within"


@dataclass(frozen=True)
class Asked:
    """The options of `turnstile verify`, as text."""

    locks: list[str]
    since: str | None
    until: str | None
    sink: Path | None
    accepted: Path | None
    html: Path | None
    tolerance: float
    patience: float
    late_effects: int
    take_over_within: list[str]


def run(asked: Asked, *, as_json: bool) -> None:
    """Verify, show, and end with 0 if all holds, 1 if not, 2 if it cannot be done, 5 without storage."""
    question = _question(asked)
    settings = _settings()
    try:
        verdict = asyncio.run(check(settings, question))
    except NoTablesError as error:
        _give_up(f"nothing to check: {error}; check TURNSTILE_STORAGE_NAMESPACE", USAGE)
    except CoordinationError as error:
        _give_up(f"the storage does not answer: {error}", UNREACHABLE)
    except (OSError, LedgerError, StorageSettingsError) as error:
        _give_up(str(error), USAGE)
    except NothingToCheckError as error:
        given = {"--lock": asked.locks, "--since": asked.since, "--until": asked.until}
        chosen = [name for name, value in given.items() if value]
        places = ", ".join([*chosen, "TURNSTILE_STORAGE_NAMESPACE"])
        _give_up(f"nothing to check: {error}; check {places}", USAGE)
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    if asked.html is not None:
        try:
            write_page(asked.html, verdict)
        except OSError as error:
            _give_up(str(error), USAGE)
    if as_json:
        print_json(verdict.document())
    else:
        print_verdict(verdict, asked.html)
    raise typer.Exit(0 if verdict.holds else BROKEN)


def _question(asked: Asked) -> Question:
    try:
        return Question(
            Scope(
                tuple(dict.fromkeys(lock_names.normalise(name) for name in asked.locks)),
                option_moment("--since", asked.since),
                option_moment("--until", asked.until),
            ),
            asked.sink,
            asked.accepted,
            asked.tolerance,
            asked.patience,
            asked.late_effects,
            dict(_limit(text) for text in asked.take_over_within),
        )
    except ValueError as error:
        _give_up(str(error), USAGE)


def _limit(text: str) -> tuple[str, float]:
    cause, _, within = text.partition("=")
    if cause not in CAUSES:
        known = ", ".join(CAUSES)
        raise ValueError(f"{_LIMIT}: {text!r} is not CAUSE=SECONDS; CAUSE is one of: {known}")
    try:
        return cause, seconds(within)
    except typer.BadParameter as error:
        raise ValueError(f"{_LIMIT}: {error.message}") from None


def _settings() -> ServiceSettings:
    try:
        return ServiceSettings()
    except ValidationError as error:
        wrong = "; ".join(complaints(ServiceSettings, error))
        _give_up(f"{wrong}; or run `make verify`, which has the settings of the stack of this folder", USAGE)


def _give_up(sentence: str, code: int) -> NoReturn:
    complain(sentence)
    raise typer.Exit(code)
