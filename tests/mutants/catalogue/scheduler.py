"""The scheduler: duty and rounds."""

from tests.mutants.mutant import Change, Mutant

_DUTY = "scheduler.leadership"
_PERIODIC = "scheduler.periodic"
_TASKS = "scheduler.tasks"
_TELEMETRY = "scheduler.telemetry"

_DUTIES = "tests/unit/scheduler/test_leadership.py::test_"
_SWEEPS = "tests/unit/scheduler/test_rounds.py::test_"
_SHOWN = "tests/unit/scheduler/test_telemetry.py::test_"

MUTANTS = [
    Mutant(
        "duty-not-renewed",
        "the scheduler on duty renews its lease",
        (Change(_DUTY, "asyncio.create_task(keeper.keep())", "asyncio.create_task(asyncio.sleep(0))"),),
        f"{_DUTIES}a_lease_is_renewed_as_long_as_the_duty_lasts",
    ),
    Mutant(
        "duty-not-released",
        "a scheduler that stops makes way for another at once",
        (Change(_DUTY, "            await keeper.release()\n", ""),),
        f"{_DUTIES}one_scheduler_sweeps_and_the_other_takes_over_when_it_stops",
    ),
    Mutant(
        "duty-held-past-its-lease",
        "no round begins once the lease could not be renewed in time",
        (Change(_DUTY, "while keeper.may_write:", "while not keeping.done():"),),
        f"{_DUTIES}no_round_begins_once_the_lease_could_not_be_renewed_in_time",
    ),
    Mutant(
        "standby-gives-up",
        "a scheduler tries again while the storage does not answer",
        (Change(_DUTY, "except (LeaseHeldError, UnknownOutcomeError):", "except LeaseHeldError:"),),
        f"{_DUTIES}a_storage_that_does_not_answer_keeps_no_scheduler_from_trying_again",
    ),
    Mutant(
        "off-duty-still-shows",
        "how everything stands is shown by the scheduler on duty alone",
        (Change(_DUTY, "            self._observer.off_duty()\n", ""),),
        f"{_DUTIES}what_stands_is_shown_by_the_scheduler_on_duty_alone",
    ),
    Mutant(
        "loss-of-duty-in-silence",
        "the loss of the duty is logged with its reason",
        (Change(_DUTY, "            self._observer.lost(observation.reason)\n", "            pass\n"),),
        f"{_DUTIES}a_duty_that_was_lost_ends_with_its_round_and_is_taken_up_again",
    ),
    Mutant(
        "paused-from-the-end",
        "rounds that take long are no less frequent",
        (
            Change(
                _DUTY,
                "left = began + self._rounds.seconds - self._clock.boot()",
                "left = self._rounds.seconds",
            ),
        ),
        f"{_SWEEPS}rounds_that_take_long_are_no_less_frequent",
    ),
    Mutant(
        "no-pause-after-a-long-round",
        "a long round leaves a fifth of the pause",
        (Change(_DUTY, "max(left, self._rounds.seconds * _SHORTEST_PAUSE)", "max(left, 0)"),),
        f"{_SWEEPS}rounds_that_take_long_are_no_less_frequent",
    ),
    Mutant(
        "an-error-ends-the-duty",
        "a round follows one that the storage did not answer",
        (
            Change(
                _PERIODIC,
                "                self._observer.failed(task.name, error)\n",
                "                raise\n",
            ),
        ),
        f"{_SWEEPS}snapshots_are_less_frequent_than_sweeps_and_old_ones_are_not_shown",
    ),
    Mutant(
        "failed-snapshot-counts",
        "a snapshot that fails is made again with the next sweep",
        (
            Change(
                _PERIODIC,
                "                self._observer.failed(task.name, error)\n            else:\n",
                "                self._observer.failed(task.name, error)\n            finally:\n",
            ),
        ),
        f"{_SWEEPS}a_snapshot_that_fails_is_made_again_with_the_next_sweep",
    ),
    Mutant(
        "snapshot-of-nothing",
        "a snapshot looks at the active jobs that the sweep has read",
        (Change(_TASKS, "self._active = swept.jobs", "self._active = ()"),),
        f"{_SWEEPS}what_stands_is_what_the_sweep_and_the_heartbeats_say",
    ),
    Mutant(
        "snapshot-of-old-jobs",
        "no snapshot is taken of the jobs that were active before a sweep that failed",
        (Change(_TASKS, "        self._active = None\n        swept", "        swept"),),
        f"{_SWEEPS}a_snapshot_reads_no_jobs_of_its_own_and_none_that_a_failed_sweep_left",
    ),
    Mutant(
        "early-round-left-out",
        "a round that begins a little early leaves no task out",
        (Change(_PERIODIC, "task.every - self.seconds / 2", "task.every"),),
        f"{_SWEEPS}a_round_that_begins_a_little_early_leaves_no_task_out",
    ),
    Mutant(
        "failure-ends-the-round",
        "a task that fails keeps no other from running",
        (
            Change(
                _PERIODIC,
                "                self._observer.failed(task.name, error)\n",
                "                self._observer.failed(task.name, error)\n                return\n",
            ),
        ),
        f"{_SWEEPS}a_task_that_fails_keeps_no_other_from_running_and_runs_again_in_the_next_round",
    ),
    Mutant(
        "old-snapshots-shown",
        "what was seen is shown for the length of four snapshots",
        (Change(_TELEMETRY, "self._clock.boot() < shown.until", "self._clock.boot() <= shown.until"),),
        f"{_SWEEPS}snapshots_are_less_frequent_than_sweeps_and_old_ones_are_not_shown",
    ),
    Mutant(
        "silent-at-the-limit",
        "a worker without work is silent after 35 s without a heartbeat",
        (Change(_TELEMETRY, "silence <= silent_after(worker)", "silence < silent_after(worker)"),),
        f"{_SHOWN}workers_are_alive_silent_or_gone",
    ),
    Mutant(
        "abandoned-not-counted",
        "every repair of a sweep is counted under its name",
        (Change(_TELEMETRY, '"abandoned": swept.abandoned}', '"abandoned": 0}'),),
        f"{_SHOWN}repairs_are_counted_from_zero",
    ),
]
