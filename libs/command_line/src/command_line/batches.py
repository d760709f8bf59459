"""turnstile submit-file: submit many jobs, one on each line of a file, in few requests."""

# ruff: noqa: PLC0415

import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command_line.exit_codes import UNREACHABLE, USAGE
from command_line.output import complain, connected, print_json
from command_line.shared_options import DEFAULT_URL, Actor, Json, Url

if TYPE_CHECKING:
    from command_line.api import Api

EPILOG = 'Example line: `{"kind": "ten-steps", "lock": "ledger", "parameters": {"steps": 5}}`'

#: Jobs of one request.
_AT_ONCE = 500

#: Times that jobs without a known outcome are sent again, with the same ids.
_REPEATS = 3

#: Refused lines that are named.
_MOST_NAMED = 20


def submit_file(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A file with one job as JSON on each line, or -.")
    ],
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Submit many jobs, one on each line of a file.

    Give each job an `idempotency_key` or a `job_id` to be able to repeat the command: jobs that were
    accepted before are not run again. Jobs of one lock and priority run in the order of the file. The exit
    code is 0 when all jobs are submitted, 2 when some were refused, and 5 when it is not known of some.
    """
    lines = _read(file)
    with connected(url, as_json=as_json, actor=actor) as api:
        answers: list[dict[str, Any]] = []
        for start in range(0, len(lines), _AT_ONCE):
            answers += _submit(api, [job for _, job in lines[start : start + _AT_ONCE]])
    found = [
        {"line": number, "job_id": _job_id(job, answer), **answer}
        for (number, job), answer in zip(lines, answers, strict=True)
    ]
    refused = [each for each in found if not _is_submitted(each)]
    if as_json:
        print_json({"items": found})
    else:
        _report(found, refused)
    if any(each["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR for each in refused):
        raise typer.Exit(UNREACHABLE)
    if refused:
        raise typer.Exit(USAGE)


def _read(file: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the jobs with their lines' numbers, each with an id or a key. Raises typer.BadParameter."""
    from command_line.parameters import read_json

    source = "standard input" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {source}: {error}", param_hint="FILE") from None
    jobs = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            job = read_json(line)
        except (ValueError, RecursionError) as error:
            raise typer.BadParameter(
                f"line {number} of {source} is not JSON: {error}", param_hint="FILE"
            ) from None
        if not isinstance(job, dict):
            raise typer.BadParameter(f"line {number} of {source} is not a JSON object", param_hint="FILE")
        jobs.append((number, job if job.get("idempotency_key") or job.get("job_id") else _with_id(job)))
    if not jobs:
        raise typer.BadParameter(f"{source} names no job", param_hint="FILE")
    return jobs


def _submit(api: "Api", jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answer to each job; where the storage did not answer, after asking again."""
    answers = api.submit_batch(jobs)
    for _ in range(_REPEATS):
        open_ones = [at for at, answer in enumerate(answers) if answer["status"] == 503]
        if not open_ones:
            break
        for at, answer in zip(open_ones, api.submit_batch([jobs[at] for at in open_ones]), strict=True):
            answers[at] = answer
    return answers


def _with_id(job: dict[str, Any]) -> dict[str, Any]:
    from contracts.identifiers import new_id

    return {**job, "job_id": new_id()}


def _job_id(job: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """Return a job's id: the caller's own or, of a job with an idempotency key, that of the answer."""
    named = job.get("job_id") or (answer["job"] or answer["problem"] or {}).get("job_id")
    return None if named is None else str(named)


def _is_submitted(answer: dict[str, Any]) -> bool:
    if answer["status"] in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
        return True
    return bool((answer["problem"] or {}).get("same_request"))


def _report(found: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    accepted = sum(each["status"] == HTTPStatus.ACCEPTED for each in found)
    typer.echo(
        f"{accepted:,} accepted, {len(found) - accepted - len(refused):,} submitted before, "
        f"{len(refused):,} not submitted."
    )
    for each in refused[:_MOST_NAMED]:
        complain(f"line {each['line']}: {each['problem']['detail']}")
    if len(refused) > _MOST_NAMED:
        complain(f"{len(refused) - _MOST_NAMED:,} more lines; --json names them all.")
