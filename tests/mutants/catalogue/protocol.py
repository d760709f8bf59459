"""The rules of the protocol, which no combination of faults may break: the simulation notices each."""

from tests.mutants.mutant import Change, Mutant

_TENURE = "tests/unit/coordination/test_tenure.py::test_"
_RULES = "tests/unit/coordination/test_exit_rules.py::test_"
_PROTOCOL = "tests/unit/coordination/test_protocol.py::test_"

_NO_SWEEP = Change(
    "coordination.maintenance.sweeper",
    "        if not is_free and self.known_slots.of(job.lock_name) == 1:\n            return False\n",
    "        return False\n",
)
_LOOK = "        while True:\n            self._is_notified = False\n"

MUTANTS = [
    Mutant(
        "no-fence-check",
        "writes are conditional on the lock row",
        (
            Change(
                "coordination.journal.transactions",
                "else Update(self.slot.lock_key, self.lock.changes(before), etag)",
                "else Update(self.slot.lock_key, self.lock.changes(before), _AnyVersion('*'))",
            ),
            Change(
                "coordination.journal.transactions",
                "@dataclass\nclass Draft:\n",
                "class _AnyVersion(str):\n"
                "    __hash__ = str.__hash__\n\n"
                "    def __eq__(self, other):\n"
                "        return True\n\n\n"
                "@dataclass\nclass Draft:\n",
            ),
        ),
        f"{_TENURE}a_take_over_that_read_the_line_before_another_one_is_refused",
        simulated=True,
    ),
    Mutant(
        "no-own-write",
        "a refused write may be one's own earlier try",
        (
            Change(
                "coordination.holder.held_rows",
                'if lock is None or lock.values.get("op_id") != draft.writer.op_id:',
                "if True:",
            ),
            Change(
                "coordination.journal.persistence",
                'return row is not None and row.values.get("op_id") == op_id',
                "return False",
            ),
        ),
        f"{_TENURE}a_lost_answer_is_recognised_as_ones_own_write",
        simulated=True,
    ),
    Mutant(
        "read-again-and-go-on",
        "after a refusal, only one's own run is gone on with",
        (
            Change(
                "coordination.holder.held_rows",
                "if not same_run or job.status != JobStatus.RUNNING or job.fence != lock.fence:",
                "if False:",
            ),
        ),
        f"{_TENURE}every_write_of_an_older_holder_is_refused_whatever_its_clock_says",
        simulated=True,
    ),
    Mutant(
        "counted-from-the-answer",
        "deadlines are counted from before the request was sent",
        (
            Change(
                "coordination.holder.lease_keeper",
                "            return sent\n",
                "            return self._clock.boot()\n",
            ),
            Change(
                "coordination.holder.lease_keeper",
                "                self._granted = sent\n",
                "                self._granted = self._clock.boot()\n",
            ),
        ),
        f"{_TENURE}a_renewal_counts_from_before_it_was_sent",
        simulated=True,
    ),
    Mutant(
        "late-writes",
        "nothing is sent after the soft deadline",
        (
            Change(
                "coordination.holder.lease_keeper",
                "return not self._ended and self._clock.boot() < self.soft_deadline",
                "return True",
            ),
        ),
        f"{_TENURE}nothing_is_written_once_the_soft_deadline_has_passed",
        simulated=True,
    ),
    Mutant(
        "late-repetitions",
        "nothing is sent again after its time, either",
        (
            Change(
                "coordination.journal.persistence",
                "            if clock.boot() >= until:\n                raise\n",
                "",
            ),
        ),
        f"{_RULES}a_write_is_not_sent_again_after_its_sender_stood_still",
        simulated=True,
    ),
    Mutant(
        "no-look-after-release",
        "a worker that releases a lock looks at its line once more",
        (Change("coordination.holder.session", _LOOK, f"        return False\n{_LOOK}"), _NO_SWEEP),
        f"{_RULES}a_job_that_came_while_its_lock_was_given_back_is_run",
        simulated=True,
        contains="no-sweep",
    ),
    Mutant(
        "conflict-settles-the-wake-up",
        "a wake-up that meets a held lock leaves a watch and a copy, or a sweep",
        (
            Change(
                "coordination.holder.dispatcher",
                "        now = self._ports.clock.boot()\n        if now - self._copies",
                "        return\n        now = self._ports.clock.boot()\n        if now - self._copies",
            ),
            Change(
                "coordination.holder.watches",
                "        watch = _Watch()\n        self._watches[name] = watch\n",
                "        return\n        watch = _Watch()\n        self._watches[name] = watch\n",
            ),
            _NO_SWEEP,
        ),
        f"{_PROTOCOL}a_wake_up_for_a_held_lock_starts_one_watch_and_sends_one_deferred_copy",
        simulated=True,
        contains="no-sweep",
    ),
    Mutant(
        "no-sweep",
        "the sweeper notifies for work that no worker is at",
        (_NO_SWEEP,),
        "tests/unit/coordination/test_sweeper.py::test_a_job_whose_wake_up_was_lost_is_notified_of_once_per_lock",
        simulated=True,
    ),
    Mutant(
        "predecessor-skipped",
        "a take-over ends the run that was cut off",
        (
            Change(
                "coordination.journal.transactions",
                "lost = _lost_run(line.lock, orphan)",
                "lost = None",
            ),
        ),
        f"{_TENURE}an_interrupted_job_goes_back_to_its_place_in_line",
        simulated=True,
    ),
    Mutant(
        "no-ticket-back",
        "an interrupted job gets its ticket back",
        (
            Change(
                "coordination.journal.transactions",
                "            self.operations.append(Insert(job.waits_at, job.values()))\n",
                "            pass\n",
            ),
        ),
        f"{_TENURE}an_interrupted_job_goes_back_to_its_place_in_line",
        simulated=True,
    ),
    Mutant(
        "late-write-for-the-next-job",
        "a write names the run that it is for",
        (
            Change(
                "coordination.holder.tenure",
                "if self._rows.held is None or self._rows.held.job.job_id != job_id:",
                "if self._rows.held is None:",
            ),
        ),
        f"{_TENURE}a_late_write_of_an_ended_run_finds_nobody_to_write_for",
        simulated=True,
    ),
    Mutant(
        "fence-kept",
        "the fence rises with every start",
        (
            Change(
                "coordination.journal.transactions",
                "after = replace(after, fence=after.fence + 1)",
                "after = replace(after, fence=after.fence)",
            ),
        ),
        f"{_TENURE}the_fence_rises_with_every_start_also_from_job_to_job",
        simulated=True,
    ),
    Mutant(
        "one-lease-id",
        "every tenure has a lease id of its own",
        (
            Change(
                "coordination.holder.lease_keeper",
                "self.lease_id = str(new_id())",
                'self.lease_id = "one for all"',
            ),
        ),
        f"{_TENURE}a_lock_that_is_held_cannot_be_acquired_and_a_definite_loss_is_told_at_once",
        simulated=True,
    ),
    Mutant(
        "closed-id-is-a-job",
        "an id that was closed without a job is not a job that exists",
        (
            Change(
                "coordination.clients.submission",
                "        is_closed = found is not None and found.status == JobRow.TOMBSTONE\n",
                "        is_closed = False\n",
            ),
        ),
        f"{_RULES}a_submission_repeated_after_its_id_was_closed_is_not_told_that_there_is_a_job",
        simulated=True,
    ),
    Mutant(
        "sdk-retries",
        "the storage's client repeats nothing on its own",
        (
            Change(
                "tests.simulation.network",
                "    retries_on_its_own: bool = False",
                "    retries_on_its_own: bool = True",
            ),
            Change(
                "azure_storage.connection",
                "self.blob_url, credential=self.credential, transport=self._transport(), retry_total=0",
                "self.blob_url, credential=self.credential, transport=self._transport()",
            ),
        ),
        "tests/unit/azure_storage/test_leases.py::test_what_cannot_be_created_leaves_the_lease_unknown",
        simulated=True,
    ),
]
