"""Locks with several slots: what a limit promises, and what keeps a job from being stranded above it."""

from tests.mutants.mutant import Change, Mutant

_SLOTS = "tests/unit/coordination/test_slots.py::test_"
_LIMITS = "tests/unit/coordination/test_setting_limits.py::test_"
_SWEEPER = "tests/unit/coordination/test_sweeper_slots.py::test_"

MUTANTS = [
    Mutant(
        "closed-slot-starts",
        "no run starts in a slot that a limit has closed",
        (
            Change(
                "coordination.journal.line",
                "        if self.lock.is_closed:\n            return None\n",
                "",
            ),
        ),
        f"{_SLOTS}a_run_cut_off_in_a_closed_slot_goes_back_in_line_and_is_finished_in_an_open_one",
        simulated=True,
    ),
    Mutant(
        "closed-slot-chains",
        "the end of a run in a slot that a limit has closed starts no other",
        (
            Change(
                "coordination.holder.tenure",
                "chains = accepts is not None and not held.lock.is_closed",
                "chains = accepts is not None",
            ),
        ),
        f"{_SLOTS}a_run_above_a_lower_limit_goes_on_and_its_end_starts_no_other",
        simulated=True,
    ),
    Mutant(
        "own-write-overlooks-limit",
        "who recognises an own write takes in what a new limit changed in the row since",
        (
            Change(
                "coordination.holder.held_rows",
                "        draft.lock = draft.lock.changed_by_others(LockRow.from_row(lock))\n",
                "",
            ),
        ),
        f"{_SLOTS}an_own_write_that_is_found_again_takes_in_that_the_slot_was_closed",
    ),
    Mutant(
        "limit-leaves-rows",
        "a lower limit closes the slots above it in the transaction that records it",
        (
            Change(
                "coordination.journal.limits",
                '            operations.append(Update(slot.lock_key, {"is_closed": is_closed}, row.etag))\n',
                "",
            ),
        ),
        f"{_SLOTS}in_every_order_a_start_and_a_lower_limit_exclude_each_other",
    ),
    Mutant(
        "limit-overwrites-mark",
        "a new limit leaves the mark of a holder's last write in the row",
        (
            Change(
                "coordination.journal.limits",
                '{"is_closed": is_closed}, row.etag',
                '{"is_closed": is_closed, "op_id": writer.op_id}, row.etag',
            ),
        ),
        f"{_SLOTS}an_own_write_that_is_found_again_takes_in_that_the_slot_was_closed",
    ),
    Mutant(
        "limit-in-force-unknown",
        "the record of a limit says the fences of the slots that it opened or closed",
        (
            Change(
                "coordination.journal.limits",
                "            fences[str(slot.number)] = row.lock.fence\n",
                "            fences[str(slot.number)] = 0\n",
            ),
        ),
        f"{_SLOTS}in_every_order_a_start_and_a_lower_limit_exclude_each_other",
    ),
    Mutant(
        "limit-repeated",
        "the limit that a lock has already is not recorded again",
        (
            Change(
                "coordination.clients.limits",
                "            if found.limit == limit:\n                return LimitSet(limit, None)\n",
                "",
            ),
        ),
        f"{_LIMITS}the_limit_that_a_lock_has_is_not_recorded_again",
    ),
    Mutant(
        "slots-share-a-lease",
        "each slot has a lease of its own",
        (
            Change(
                "coordination.slot",
                'return f"{self.partition}-{self.number:02d}" if self.number else self.partition',
                "return self.partition",
            ),
        ),
        f"{_SLOTS}one_worker_with_room_serves_all_slots",
    ),
    Mutant(
        "slot-row-in-the-line",
        "workers of earlier releases read one range, and know slot 0 and tickets there",
        (
            Change(
                "coordination.journal.rows",
                'return f"{SLOTS}{slot:02d}" if slot else f"{LOCKS}{slot:02d}"',
                'return f"{LOCKS}{slot:02d}"',
            ),
        ),
        "tests/unit/coordination/test_slot.py::test_slots_of_a_lock_share_its_partition_and_nothing_else",
    ),
    Mutant(
        "waits-in-a-slot",
        "a job that is back in line is in slot 0, for workers that know no other",
        (
            Change(
                "coordination.journal.transactions",
                "status=JobStatus.QUEUED.value, slot=0, queued_at",
                "status=JobStatus.QUEUED.value, queued_at",
            ),
        ),
        f"{_SLOTS}a_job_that_is_back_in_line_is_in_slot_0",
        simulated=True,
    ),
    Mutant(
        "event-without-slot",
        "what a holder records says the slot",
        (
            Change(
                "coordination.journal.transactions",
                'where = {"slot": self.slot.number} if self.slot.number else {}',
                "where = {}",
            ),
        ),
        f"{_SLOTS}events_of_other_slots_say_where_the_job_ran",
        simulated=True,
    ),
    Mutant(
        "closed-slot-left-silently",
        "a job that was cut off in a closed slot is taken up in an open one at once",
        (
            Change(
                "coordination.holder.session",
                "            if line.tickets and (line.lock.is_closed or gave_back):\n",
                "            if False:\n",
            ),
        ),
        f"{_SLOTS}a_worker_leaves_a_closed_slot_and_notifies_of_what_went_back_in_line",
    ),
    Mutant(
        "closed-slot-unswept",
        "the sweeper finds a run that was cut off in a slot above the limit",
        (
            Change(
                "coordination.maintenance.idle_slots",
                "if each.lock.job_id or (each.is_idle and",
                "if each.lock.job_id and not each.lock.is_closed or (each.is_idle and",
            ),
        ),
        f"{_SWEEPER}a_run_that_was_cut_off_in_another_slot_is_found_while_slot_0_is_held",
    ),
    Mutant(
        "free-slot-unnoticed",
        "a worker without room has others serve a free slot while a job waits",
        (
            Change(
                "coordination.holder.slot_search",
                "            await self._ports.notifier.notify(wake_up)\n",
                "            pass\n",
            ),
        ),
        f"{_SLOTS}a_worker_without_room_notifies_others_of_a_free_slot_and_says_the_limit",
    ),
    Mutant(
        "limit-asked-of-every-lock",
        "a lock without a limit sends the requests that it sent before there were limits",
        (
            Change(
                "coordination.holder.dispatcher",
                "        if self._known_slots.of(lock_name) > 1:\n            return await self._slots",
                "        if True:\n            return await self._slots",
            ),
        ),
        f"{_SLOTS}a_lock_without_a_limit_is_looked_at_no_more_often",
    ),
    Mutant(
        "conflicts-in-slot-0-only",
        "a submission that looks at other jobs sees those that run in any slot",
        (
            Change(
                "coordination.clients.conflicts",
                "if holders and holders[0].limit_number is not None:",
                "if False:",
            ),
        ),
        f"{_SLOTS}a_submission_that_looks_at_other_jobs_sees_those_in_all_slots",
    ),
    Mutant(
        "start-above-the-limit-unseen",
        "the checker finds a start above the limit that was in force",
        (
            Change(
                "verification.slots",
                "            if not earlier or earlier[-1].limit <= number:\n",
                "            if False:\n",
            ),
        ),
        "tests/unit/verification/test_slots.py::test_what_is_not_in_order_is_found",
    ),
    Mutant(
        "missing-run-of-a-slot-unseen",
        "the checker finds that a run of a slot is missing",
        (
            Change(
                "verification.slots",
                "    for fence in range(first, min(following, first + _MOST_NAMED)):\n",
                "    for fence in ():\n",
            ),
        ),
        "tests/unit/verification/test_slots.py::test_what_is_not_in_order_is_found",
    ),
    Mutant(
        "lock-runs-of-slots-mixed",
        "runs in different slots of a lock may overlap, and those of one slot must not",
        (
            Change(
                "read_models.documents",
                "return Slot(self.lock, self.slot or 0).lease_name",
                "return Slot(self.lock).lease_name",
            ),
        ),
        "tests/unit/audit_projector/test_slots.py::test_runs_in_two_slots_may_overlap",
    ),
    Mutant(
        "slot-runs-of-another-slot",
        "the runs of a slot are not those of slot 0",
        (
            Change(
                "read_models.memory",
                "        partition = Slot(lock, slot).lease_name\n",
                "        partition = Slot(lock).lease_name\n",
            ),
        ),
        "tests/conformance/test_read_models.py::test_runs_of_another_slot_are_read_by_its_number",
    ),
]
