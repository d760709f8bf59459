"""Mutants of removing old jobs, and of the checker's knowledge of it."""

from tests.mutants.mutant import Change, Mutant

_PRUNING = "tests/unit/coordination/test_pruning.py::test_"
_REMOVALS = "tests/unit/verification/test_removals.py::test_"

MUTANTS = [
    Mutant(
        "removed-in-the-middle",
        "what is removed of a lock is the beginning of its history",
        (
            Change(
                "coordination.maintenance.removable",
                "    found.jobs = sorted((job for job in ended if job.row.fence <= limit), key=_order)\n",
                "    found.jobs = sorted(ended, key=_order)\n",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "first-run-overlooked",
        "a job that stays keeps all that ran after its first run, not after its last",
        (
            Change(
                "coordination.maintenance.removable",
                "    if job.attempt == 1:\n        return job.fence\n",
                "    return job.fence\n",
            ),
        ),
        f"{_PRUNING}a_job_that_ran_before_and_after_another_keeps_it",
    ),
    Mutant(
        "active-removed",
        "no job that counts as active is removed",
        (
            Change(
                "coordination.maintenance.removable",
                "not job.is_terminal or job.job_id in active",
                "not job.is_terminal",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "unprojected-removed",
        "no job is removed before the read models have its last event",
        (
            Change(
                "coordination.maintenance.removable",
                "if seqs.get(job.row.job_id, 0) >= job.row.seq:",
                "if True:",
            ),
        ),
        f"{_PRUNING}what_is_young_not_over_or_not_projected_stays_and_all_that_ran_behind_it",
    ),
    Mutant(
        "removed-without-a-row",
        "the id of a removed job stays in use: a late submission runs it no second time",
        (
            Change(
                "coordination.maintenance.pruning",
                "operations.append(Replace(rows.job_key(removed.job_id), removed.values(), one.ended.etag))",
                "operations.append(Delete(rows.job_key(removed.job_id), one.ended.etag))",
            ),
        ),
        f"{_PRUNING}a_late_or_repeated_submission_runs_no_removed_job_again",
    ),
    Mutant(
        "removal-forgotten",
        "a removal that was cut off is finished by the next one",
        (Change("coordination.maintenance.pruning", "        if unfinished:\n", "        if False:\n"),),
        f"{_PRUNING}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "removal-not-noted",
        "the mark names the jobs of which rows may be left",
        (
            Change(
                "coordination.maintenance.pruning",
                "fence=self._reached(mark.fence), removing=removing)",
                "fence=self._reached(mark.fence))",
            ),
        ),
        f"{_PRUNING}it_may_be_killed_at_any_call_and_repeated",
    ),
    Mutant(
        "broken-history-removed",
        "a job whose events do not add up to its row is not removed",
        (Change("coordination.maintenance.pruning", "if not _adds_up(ended, of_events):", "if False:"),),
        f"{_PRUNING}a_job_whose_events_do_not_add_up_is_not_removed",
    ),
    Mutant(
        "unverified-removed",
        "nothing is removed of a lock whose history does not verify",
        (Change("coordination.maintenance.pruning", "            if refusal:\n", "            if False:\n"),),
        f"{_PRUNING}a_lock_whose_history_does_not_verify_is_left_alone",
    ),
    Mutant(
        "rebuilt-from-what-was-removed",
        "a removed job is no job: nothing projects it again",
        (
            Change(
                "coordination.journal.rows",
                "return self.status in {self.TOMBSTONE, self.REMOVED}",
                "return self.status == self.TOMBSTONE",
            ),
        ),
        f"{_PRUNING}a_projector_that_comes_late_finds_no_such_job",
    ),
    Mutant(
        "removed-rows-replaced-whatever-is-there",
        "a row is replaced only at the version that was read",
        (
            Change(
                "azure_storage.batch",
                '            return [f"PUT {row} HTTP/1.1", f"If-Match: {etag}", *_content(document)]\n',
                '            return [f"PUT {row} HTTP/1.1", "If-Match: *", *_content(document)]\n',
            ),
        ),
        "tests/unit/azure_storage/test_batch.py::test_a_row_is_replaced_at_its_version_and_as_a_whole",
    ),
    Mutant(
        "gaps-of-fences-believed",
        "I13: a run that was deleted by hand is missed by its fence",
        (
            Change(
                "verification.removals",
                "                yield from _missing(last, fence, may_skip=may_skip)\n",
                "                pass\n",
            ),
        ),
        f"{_REMOVALS}a_job_that_was_deleted_by_hand_is_missing",
    ),
    Mutant(
        "latest-runs-not-missed",
        "I13: the latest runs are missed by the lock row's fence",
        (
            Change(
                "verification.removals",
                "            yield from _missing(last, highest + 1, may_skip=may_skip)\n",
                "            pass\n",
            ),
        ),
        f"{_REMOVALS}a_job_that_was_deleted_by_hand_is_missing[0-5]",
    ),
    Mutant(
        "marks-believed",
        "I13: a mark has the digest of the rows of the removed jobs",
        (
            Change(
                "verification.removals",
                'if not differs and self.mark.get("digest") != counted.digest:',
                "if False:",
            ),
        ),
        f"{_REMOVALS}a_forged_mark_is_found",
    ),
    Mutant(
        "marks-not-needed",
        "I13: jobs that were removed are counted by a mark",
        (Change("verification.removals", "            if counted.jobs:\n", "            if False:\n"),),
        f"{_REMOVALS}removed_jobs_without_a_mark_are_found",
    ),
    Mutant(
        "missing-ids-believed",
        "I13: a registered id that is not active has a row in the journal",
        (Change("verification.register", "            if not rows:\n", "            if False:\n"),),
        f"{_REMOVALS}a_job_without_a_run_that_was_deleted_by_hand_is_missed_by_its_id",
    ),
    Mutant(
        "removed-trails-believed",
        "I7: what the trail has of a removed job ends as the job did",
        (
            Change(
                "verification.removals",
                "    return last.event.seq > seq or (last.event.seq == seq and last.event.hash != event_hash)\n",
                "    return False\n",
            ),
        ),
        f"{_REMOVALS}rows_that_came_late_into_trail_and_lists_are_no_violation",
    ),
]
