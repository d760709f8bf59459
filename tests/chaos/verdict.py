"""What is true once the faults are over, from the journal, the sink, the broker and the checker."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.judging import judge_lock, read_lock, read_register
from tests.chaos.load import Accepted
from tests.e2e.api import TERMINAL
from tests.e2e.records import Recorded, assert_no_overlap
from tests.e2e.services import ROOT
from tests.e2e.waiting import until

_CONSUMERS_SECONDS = 60.0
_QUEUES_SECONDS = 60.0

#: Seconds for the checker, and for each job on top.
_CHECKER_SECONDS, _CHECKER_JOB_SECONDS = 300, 0.1

#: How the journal records that a job failed because its runner or worker died again and again.
_HIT_TOO_OFTEN = ("its runner process died", "its worker was lost")


@dataclass
class Verdict:
    """What was found: sentences about what is wrong, and figures."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    #: The case's events by lock, in the order of their transactions.
    journals: dict[str, list[Recorded]] = field(default_factory=dict)


def wait_for_peace(stack: ChaosStack, patience: float) -> list[str]:
    """Wait until all jobs have ended and all consumers are back; return what did not happen."""
    waits = (
        (lambda: not stack.records.active_jobs(), patience, "every accepted job to end and to be projected"),
        (lambda: all(service.is_ready for service in stack.services()), 40, "all services to be ready"),
        (lambda: not _missing_consumers(stack), _CONSUMERS_SECONDS, "the consumers to be back"),
        (lambda: not any(_waiting(stack).values()), _QUEUES_SECONDS, "the queues to be empty"),
    )
    wrong = []
    for condition, within, what in waits:
        try:
            until(condition, within, what)
        except AssertionError as error:
            wrong.append(str(error))
    if wrong:
        active = stack.records.active_jobs()
        wrong.append(f"{len(active)} jobs active: {active[:5]}; queues: {_waiting(stack)}")
    return wrong


def judge(stack: ChaosStack, accepted: Iterable[Accepted]) -> Verdict:
    """Judge a case by its jobs, and everything so far by the checker."""
    verdict = Verdict()
    accepted = list(accepted)
    by_lock: dict[str, list[Accepted]] = {}
    for job in accepted:
        by_lock.setdefault(job.lock, []).append(job)
    lost = double_ends = double_steps = overlaps = interrupted = 0
    ends: Counter[str] = Counter()
    registrations = read_register(stack)
    for lock, jobs in by_lock.items():
        events = verdict.journals[lock] = stack.records.journal(lock)
        verdict.wrong += judge_lock(read_lock(stack, lock), registrations)
        try:
            assert_no_overlap(events)
        except AssertionError as error:
            overlaps += 1
            verdict.wrong.append(f"lock {lock}: {error}")
        of_jobs: dict[str, list[Recorded]] = {}
        for event in events:
            of_jobs.setdefault(event.job_id, []).append(event)
        for job in jobs:
            found = of_jobs.get(job.id, [])
            ends_of_job = [event for event in found if event.status in TERMINAL]
            verdict.wrong += [
                f"job {job.id} ended {event.status}: {event.message}"
                for event in ends_of_job
                if not may_end(job, event)
            ]
            ended = [event.status for event in ends_of_job]
            steps = Counter(event.message for event in found if event.status == "Step")
            ends.update(ended)
            lost += not ended
            double_ends += len(ended) > 1
            double_steps += any(count > 1 for count in steps.values())
            interrupted += any(event.status == "Interrupted" for event in found)
            if ended == ["Completed"] and len(steps) != job.parameters["steps"]:
                verdict.wrong.append(f"job {job.id} completed with the steps {sorted(steps)}")
    verdict.figures |= {
        "ends": dict(ends),
        "interrupted": interrupted,
        "lost": lost,
        "double_ends": double_ends,
        "double_records": double_steps,
        "overlaps": overlaps,
    }
    for name in ("lost", "double_ends", "double_records"):
        if verdict.figures[name]:
            verdict.wrong.append(f"{name}: {verdict.figures[name]}")
    _ask_checker(stack, accepted, verdict)
    if _quarantined(stack):
        verdict.wrong.append(f"{_quarantined(stack)} messages in quarantine")
    return verdict


def may_end(job: Accepted, event: Recorded) -> bool:
    """Return whether a job may have ended so: as it should, or hit too often, or as a client wanted it."""
    match event.status:
        case "Completed":
            return True
        case "Failed":
            return event.message.startswith(_HIT_TOO_OFTEN)
        case "Cancelled":
            return job.is_cancelled
    return False


def _ask_checker(stack: ChaosStack, accepted: Iterable[Accepted], verdict: Verdict) -> None:
    """Have `turnstile verify` judge all that has happened in this stack, and these jobs by name."""
    ids = stack.folder / "accepted.txt"
    jobs = [job.id for job in accepted]
    ids.write_text("".join(f"{job_id}\n" for job_id in jobs))
    command = [str(Path(sys.executable).parent / "turnstile"), "verify", "--json", "--accepted", str(ids)]
    command += ["--sink", str(stack.folder / "effects.jsonl")]
    began = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **stack.environment},
        capture_output=True,
        text=True,
        timeout=_CHECKER_SECONDS + len(jobs) * _CHECKER_JOB_SECONDS,
        check=False,
    )
    try:
        found = json.loads(done.stdout)
    except json.JSONDecodeError:
        verdict.wrong.append(f"turnstile verify ended with {done.returncode}: {done.stderr[-2000:]}")
        return
    (stack.folder / "verify.json").write_text(done.stdout)
    verdict.wrong += [json.dumps(entry) for entry in found["violations"][:20]]
    if not found["holds"] and not found["violations"]:
        verdict.wrong.append(f"turnstile verify says it does not hold: {done.stdout[:2000]}")
    verdict.figures["verified"] = {
        "holds": found["holds"],
        "events": found["counts"]["events"],
        "effects_refused": found["counts"]["effects_refused"],
        "violations": dict(Counter(entry["invariant"] for entry in found["violations"])),
        "seconds": round(time.monotonic() - began, 1),
    }


def _waiting(stack: ChaosStack) -> dict[str, int]:
    names = stack.broker.topology
    deferral = round(float(stack.environment["TURNSTILE_DEFERRAL_SECONDS"]) * 1000)
    queues = (names.jobs_queue, names.delay_queue(deferral), names.projector_queue, names.submissions_queue)
    return {queue: stack.broker.ready(queue) for queue in queues}


def _quarantined(stack: ChaosStack) -> int:
    return stack.broker.ready(stack.broker.topology.quarantine_queue)


def _missing_consumers(stack: ChaosStack) -> dict[str, int]:
    names = stack.broker.topology
    wanted = {names.jobs_queue: len(stack.workers), names.projector_queue: 1, names.submissions_queue: 1}
    missing = {queue: count - stack.consumers(queue) for queue, count in wanted.items()}
    return {queue: count for queue, count in missing.items() if count > 0}
