"""Runners: what is put back between two jobs, forked processes, and when a runner is replaced."""

from tests.mutants.mutant import Change, Mutant

_UNIT = "tests/unit/execution/test_"

MUTANTS: list[Mutant] = [
    Mutant(
        "secrets-in-errors",
        "a secret in a handler's error is not kept",
        (
            Change(
                "worker.execution.pool",
                "            return self._redacted(await supervision.outcome())\n",
                "            return await supervision.outcome()\n",
            ),
        ),
        f"{_UNIT}pool_runs.py::test_secrets_in_what_is_kept_of_an_error_are_masked_and_nothing_else_is_changed",
    ),
    Mutant(
        "silence-outlives-its-job",
        "what a job did to the configuration of logging does not silence the next one",
        (
            Change("worker.execution.runner_loop", "        self._between.put_back_logging()\n", ""),
            Change(
                "worker.execution.logging_state",
                "    logger.handlers[:], logger.filters[:] = handlers, filters\n",
                "",
            ),
        ),
        f"{_UNIT}between_jobs.py::test_a_job_that_silences_logging_silences_neither_its_own_error_nor_the_next",
    ),
    Mutant(
        "environment-outlives-its-job",
        "a variable that a job sets is not there for the next one",
        (
            Change(
                "worker.execution.process_state", "            del variables[name]\n", "            pass\n"
            ),
        ),
        f"{_UNIT}between_jobs.py::test_variables_and_the_time_zone_are_put_back",
    ),
    Mutant(
        "forked-process-uses-the-wire",
        "a process that a handler forked does not touch the runner's connection and event loop",
        (
            Change(
                "worker.execution.runner_channel",
                "        if self._home.is_elsewhere:\n            raise ForkedError\n",
                "",
            ),
        ),
        f"{_UNIT}runner_channel.py::test_a_forked_process_sends_nothing",
    ),
    Mutant(
        "forked-process-logs-over-the-wire",
        "what a forked process logs goes past the runner's connection",
        (
            Change(
                "worker.execution.log_forwarding",
                "            self._print(record)\n            return\n",
                "            self._print(record)\n",
            ),
        ),
        f"{_UNIT}logging.py::test_a_forked_process_prints_its_records_and_sends_nothing",
    ),
    Mutant(
        "leak-fails-the-next-job",
        "a runner that has kept much memory is not used again",
        (Change("worker.execution.runner_reuse", "limit is None or private_bytes() <= limit", "True"),),
        f"{_UNIT}runner_reuse.py::test_the_limit_of_the_kind_comes_before_that_of_the_worker",
    ),
    Mutant(
        "fresh-process-is-a-used-one",
        "a job whose kind asks for a fresh process runs in one that has run no other",
        (
            Change(
                "worker.execution.idle_runners",
                "sorts = (True,) if fresh else (False, True)",
                "sorts = (True, False) if fresh else (False, True)",
            ),
        ),
        f"{_UNIT}pool_runs.py::test_a_job_that_wants_a_fresh_process_gets_one_that_has_run_no_job",
    ),
    Mutant(
        "refused-runner-reused",
        "a runner that is to be replaced runs no other job",
        (Change("worker.execution.pool", "if supervision.replace_because:", "if False:"),),
        f"{_UNIT}pool_runs.py::test_a_runner_that_is_to_be_replaced_runs_no_other_job",
    ),
    Mutant(
        "two-versions-of-code",
        "a runner with other code than the first one runs no job",
        (Change("worker.execution.pool_code", "            raise self.change\n", "            return\n"),),
        f"{_UNIT}pool_runners.py::test_a_runner_with_other_code_does_not_join_the_pool_and_the_worker_learns_of_it",
    ),
    Mutant(
        "other-kinds-join-the-pool",
        "a runner that lacks a kind of its pool runs no job",
        (Change("worker.execution.pool_code", "if found != self.kinds:", "if False:"),),
        f"{_UNIT}pool_runners.py::test_a_runner_with_other_kinds_does_not_join_the_pool",
    ),
    Mutant(
        "withheld-variables-are-secret",
        "the log names the variables that handlers do not see",
        (Change("worker.execution.pool", "        if self._withheld:\n", "        if False:\n"),),
        f"{_UNIT}pool_runners.py::test_a_pool_logs_once_which_variables_handlers_do_not_see",
    ),
    Mutant(
        "heartbeat-of-a-successor",
        "a process that has the name of a lost worker does not shorten the measured take-over",
        (
            Change(
                "worker.telemetry.lost_runs",
                "worker.worker == name and not is_later",
                "worker.worker == name",
            ),
        ),
        "tests/unit/worker/test_lost_runs.py::test_a_later_process_of_the_same_name_was_not_the_lost_one",
    ),
]
