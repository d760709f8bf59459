"""When schedules are due, that each due time fires once, and that none is lost."""

from tests.mutants.mutant import Change, Mutant

_TIMES = "tests/unit/schedules/test_times.py::test_"
_MISFIRES = "tests/unit/schedules/test_misfires.py::test_"
_DUE = "tests/unit/schedules/test_due.py::test_"
_RACES = "tests/unit/schedules/test_races.py::test_"
_SERVICE = "tests/unit/schedules/test_service.py::test_"

MUTANTS = [
    Mutant(
        "schedule-skipped-hour",
        "a daily job runs on the day on which its hour is skipped",
        (
            Change(
                "schedules.times",
                "        while _on_the_wall(found[0], zone) != local:\n",
                "        while False:\n",
            ),
        ),
        f"{_TIMES}due_times",
    ),
    Mutant(
        "schedule-hour-that-comes-twice",
        "a daily job runs once on the day on which its hour comes twice",
        (Change("schedules.times", "        return found[:1]\n", "        return found\n"),),
        f"{_TIMES}due_times",
    ),
    Mutant(
        "schedule-second-hour-by-real-time",
        "every half an hour is every half an hour when the clock is put back",
        (
            Change(
                "schedules.times",
                "        start = local - max(_offset(local) - _offset(local + _LONGEST_SHIFT), timedelta())\n",
                "        start = local\n",
            ),
        ),
        f"{_TIMES}due_times",
    ),
    Mutant(
        "schedule-random-ids",
        "the second submission of a due time finds the first",
        (
            Change(
                "schedules.rows",
                "        job_id = id_of_due_time(row.name, at)\n",
                "        from contracts.identifiers import new_id\n        job_id = new_id()\n",
            ),
        ),
        f"{_DUE}a_due_time_submits_a_job_that_names_its_schedule",
    ),
    Mutant(
        "schedule-moved-without-its-version",
        "of two who change a schedule at the same moment, one looks again",
        (
            Change(
                "schedules.transactions",
                "        Update(schedule_key(row.name), row.changes(before), found.etag),\n"
                "        *_waits_no_more(found),\n",
                "",
            ),
        ),
        f"{_RACES}two_schedulers_fire_a_due_time_once",
    ),
    Mutant(
        "schedule-fired-outside-the-transaction",
        "a due time whose scheduler dies is not lost",
        (
            Change(
                "schedules.transactions",
                "        *(Insert(each.key, each.values()) for each in firings),\n",
                "",
            ),
        ),
        f"{_DUE}a_firing_whose_process_died_is_seen_to_by_the_next",
    ),
    Mutant(
        "schedule-firing-left",
        "a firing that is done is not submitted again and again",
        (
            Change(
                "schedules.transactions",
                "    return Change(row, Transaction(op_id, [moved, *removals]), key)\n",
                "    return Change(row, Transaction(op_id, [moved]), key)\n",
            ),
        ),
        f"{_RACES}two_schedulers_fire_a_due_time_once",
    ),
    Mutant(
        "schedule-young-firings-taken",
        "a firing is left for a while to the process that wrote it",
        (
            Change(
                "schedules.due",
                "            left_alone |= {row.key for row in come if is_firing(row) and self._is_young(row)}\n",
                "",
            ),
        ),
        f"{_DUE}a_firing_whose_process_died_is_seen_to_by_the_next",
    ),
    Mutant(
        "schedule-misses-while-it-works",
        "nothing counts as missed while a scheduler is there",
        (
            Change(
                "schedules.misfires",
                "    on_time_from = min(now, watched_from) - timedelta(seconds=rule.after)\n",
                "    on_time_from = now - timedelta(seconds=rule.after)\n",
            ),
        ),
        f"{_MISFIRES}nothing_is_missed_while_a_scheduler_is_there",
    ),
    Mutant(
        "schedule-makes-up-for-all",
        "no more missed due times are made up for than the rule says",
        (
            Change(
                "schedules.misfires",
                'return {"skip": 0, "once": 1, "all": self.limit}[self.rule]',
                'return {"skip": 0, "once": 1, "all": 1_000}[self.rule]',
            ),
        ),
        f"{_MISFIRES}what_was_missed_goes_by_the_rule",
    ),
    Mutant(
        "schedule-reads-in-each-round",
        "no schedules cost six requests a minute",
        (
            Change(
                "schedules.due",
                "            self._look_at = began + self.pace.look_seconds\n",
                "",
            ),
        ),
        f"{_DUE}without_schedules_six_a_minute",
    ),
    Mutant(
        "schedule-next-due-time-forgotten",
        "a due time that is known fires when it comes, and not at the next look",
        (
            Change(
                "schedules.due",
                '            self._comes_next(due_time(later[0])[0] if later else "")\n',
                "",
            ),
        ),
        f"{_DUE}the_next_due_time_is_known_in_advance",
    ),
    Mutant(
        "schedule-resumed-with-the-past",
        "what was due while a schedule was paused is not made up for",
        (
            Change(
                "schedules.transactions",
                "    next_due = row.timing.after(max(author.at, decided))\n",
                "    next_due = row.timing.after(datetime.fromisoformat(row.created_at))\n",
            ),
        ),
        f"{_DUE}paused_and_ended_schedules_are_not_due",
    ),
    Mutant(
        "schedule-changed-by-the-same",
        "the same request again changes nothing",
        (
            Change(
                "schedules.service",
                "        if found is not None and is_same(found.row.asked, asked):\n"
                '            return found.row, "unchanged"\n',
                "",
            ),
            Change(
                "schedules.transactions",
                "    if is_same(earlier, asked):\n        return None\n",
                "",
            ),
        ),
        f"{_SERVICE}the_same_again_changes_nothing",
    ),
    Mutant(
        "schedule-run-twice",
        "the same request to run a schedule again finds the first run",
        (
            Change(
                "schedules.transactions",
                '        operations.append(Insert(run_key(row.name, job_id), {"op_id": author.op_id}))\n',
                "        pass\n",
            ),
        ),
        f"{_RACES}the_same_run_twice_runs_once",
    ),
    Mutant(
        "schedule-deleted-without-a-trace",
        "who deleted a schedule, and why, stays in its trail",
        (
            Change(
                "schedules.transactions",
                '    event = _event(found.row, "deleted", author)\n',
                "    event = None\n",
            ),
        ),
        f"{_SERVICE}the_trail_of_a_deleted_schedule_stays_and_goes_on_when_it_is_made_again",
    ),
    Mutant(
        "schedule-default-lock-is-none",
        "a schedule whose job names the default lock keeps it, also of a kind that makes locks of parameters",
        (
            Change(
                "contracts.schedules",
                "    return one == other and _names_lock(one) == _names_lock(other)\n",
                "    return one == other\n",
            ),
        ),
        f"{_SERVICE}a_lock_that_is_named_differs_from_none_also_when_it_is_the_default",
    ),
    Mutant(
        "schedule-forgets-a-named-lock",
        "what a schedule's job names is stored, also where it is the default",
        (
            Change(
                "schedules.rows",
                'asked.job.model_dump(mode="json", exclude_unset=True)})',
                'asked.job.model_dump(mode="json", exclude_defaults=True)})',
            ),
        ),
        f"{_SERVICE}a_lock_that_is_named_differs_from_none_also_when_it_is_the_default",
    ),
]
