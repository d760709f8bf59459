"""What came of a command that changes something, in a sentence."""

from collections.abc import Mapping
from typing import Any

from command_line.output import console, safe
from command_line.reports import done_by

Document = Mapping[str, Any]


def print_accepted(accepted: Document) -> None:
    """Say that a job was submitted, and how to go on."""
    screen = console()
    lock = accepted["lock"]
    screen.print(safe(f"Submitted {accepted['job_id']} on lock {lock}."), soft_wrap=True)
    if screen.is_terminal:
        screen.print(f"[dim]turnstile watch {accepted['job_id']}[/dim]", soft_wrap=True)


def print_retried(accepted: Document) -> None:
    """Say that a job is retried, or that it was before."""
    if not accepted["existing"]:
        print_accepted(accepted)
        return
    new, lock, status = accepted["job_id"], accepted["lock"], accepted["status"]
    sentence = f"Nothing was submitted: the job was retried before, by job {new} on lock {lock} ({status})."
    console().print(safe(sentence), soft_wrap=True)


def print_finalized(job: Document) -> None:
    """Say that a job is finalized, or that it was before, by whom and why."""
    if job["existing"]:
        finalized = done_by(job, "finalized_by", "finalize_reason")
        console().print(safe(f"The job was finalized before, {finalized}."), soft_wrap=True)
    else:
        console().print("The job is finalized; `turnstile jobs --finalized` lists it.")


def print_cancelled(job: Document) -> None:
    """Return what came of a cancellation."""
    done = job["status"] == "Cancelled"
    text = (
        "The job is cancelled."
        if done
        else f"Asked {job['worker']} to stop the job; `turnstile watch` shows when it stops."
    )
    console().print(safe(text), soft_wrap=True)
