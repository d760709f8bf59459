"""Which worker runs a job: pools, limits of kinds, distribution."""

from tests.mutants.mutant import Change, Mutant

_PLACEMENT = "tests/unit/coordination/test_placement.py::test_"
_ELIGIBILITY = "coordination.holder.eligibility"

MUTANTS = [
    Mutant(
        "pool-ignored",
        "only workers of its pool run a job",
        (
            Change(
                _ELIGIBILITY,
                "        if pool_of(job) not in self._settings.pools:\n            return False\n",
                "",
            ),
        ),
        f"{_PLACEMENT}only_a_worker_of_its_pool_runs_a_job",
        simulated=True,
    ),
    Mutant(
        "kind-before-pool",
        "a job of another pool does not fail for a kind that is unknown here",
        (
            Change(
                _ELIGIBILITY,
                "        if pool_of(job) not in self._settings.pools:\n            return False\n"
                "        if not self._knows(job.kind):\n"
                "            return self._unknown_kinds.waited_enough(job)\n",
                "        if not self._knows(job.kind):\n"
                "            return self._unknown_kinds.waited_enough(job)\n"
                "        if pool_of(job) not in self._settings.pools:\n            return False\n",
            ),
        ),
        f"{_PLACEMENT}a_job_of_another_pool_does_not_fail_for_its_kind_that_is_unknown_here",
    ),
    Mutant(
        "pools-of-a-start-left-out",
        "a start says the pools of its worker",
        (
            Change(
                "coordination.journal.transactions",
                'pools = {"pools": list(draft.writer.pools)} if draft.writer.pools else {}',
                "pools: dict[str, object] = {}",
            ),
        ),
        f"{_PLACEMENT}a_start_says_the_pools_of_its_worker_unless_it_serves_the_default_one_alone",
        simulated=True,
    ),
    Mutant(
        "slots-tried-for-others",
        "a worker does not acquire a free slot for a job that it would hand on",
        (
            Change(
                "coordination.holder.slot_search",
                "is_for_others = line.first is not None and not self._server.may_take(line.first)",
                "is_for_others = False",
            ),
        ),
        f"{_PLACEMENT}a_free_slot_is_not_tried_for_again_and_again_for_a_job_of_another_pool",
    ),
    Mutant(
        "kind-limit-without-claim",
        "two slots that are asked at the same time do not both take the last place of a kind",
        (Change(_ELIGIBILITY, "            self._claims[slot] = job.kind\n", "            pass\n"),),
        f"{_PLACEMENT}two_locks_that_are_tried_for_at_the_same_time_do_not_both_get_the_last_place",
        simulated=True,
    ),
    Mutant(
        "kind-limit-kept",
        "the place of a kind is free again when its lock is left",
        (
            Change(
                "coordination.holder.dispatcher",
                "            self._eligibility.give_back(slot)\n",
                "",
            ),
        ),
        f"{_PLACEMENT}a_place_is_free_again_when_its_lock_is_left",
    ),
    Mutant(
        "property-ignored",
        "a job runs on workers whose property has the value of its own",
        (
            Change(
                "coordination.placement",
                "        return [one for one in workers if one.custom_properties.get(self.worker) == value]\n",
                "        return workers\n",
            ),
        ),
        f"{_PLACEMENT}a_job_runs_on_a_worker_whose_property_has_the_value_of_its_own",
        simulated=True,
    ),
    Mutant(
        "unfit-at-once",
        "a job waits for a minute before a worker runs it that does not fit",
        (Change(_ELIGIBILITY, "        return now - first > UNFIT_SECONDS\n", "        return True\n"),),
        f"{_PLACEMENT}any_worker_runs_a_job_that_no_living_worker_has_fitted_for_a_minute",
    ),
    Mutant(
        "unfit-without-knowing",
        "while nothing is known of the others, a job is left to them",
        (
            Change(
                _ELIGIBILITY,
                "        if chosen or known is None:\n",
                "        if chosen:\n",
            ),
        ),
        f"{_PLACEMENT}a_job_waits_as_long_as_nothing_is_known_of_the_others",
    ),
    Mutant(
        "directory-always-read",
        "the list of workers is read only while a job asks for it",
        (
            Change(
                "coordination.holder.living_workers",
                "        while self._clock.boot() - self._asked_at <= _ASKED_FOR:\n",
                "        while True:\n",
            ),
        ),
        f"{_PLACEMENT}the_directory_is_read_only_while_a_job_asks_for_it",
    ),
    Mutant(
        "pool-of-a-run-unchecked",
        "a run on a worker of another pool is found",
        (Change("verification.pools", "    if pool in served:\n", "    if True:\n"),),
        "tests/unit/verification/test_pools.py::test_a_run_on_a_worker_of_another_pool_is_found",
    ),
    Mutant(
        "pool-of-the-kind-first",
        "a submission's pool comes before that of its kind",
        (
            Change(
                "submission.service",
                "{None, DEFAULT_POOL} else asked or of_kind\n",
                "{None, DEFAULT_POOL} else of_kind or asked\n",
            ),
        ),
        "tests/unit/submission/test_service.py::test_a_job_has_the_pool_of_its_submission_else_that_of_its_kind",
    ),
]
