"""The adapters of Azure Storage: encoding, outcomes, leases, register, read models."""

from tests.mutants.mutant import Change, Mutant

_TESTS = "tests/unit/azure_storage/test_"
_READ_MODELS = f"{_TESTS}read_model_"
_RARE_ROWS = f"{_TESTS}rare_rows.py::test_"

MUTANTS = [
    Mutant(
        "number-cut-to-32-bits",
        "a fence beyond 32 bits is stored as what it is",
        (
            Change(
                "azure_storage.values",
                "not -(2**31) <= value < 2**31",
                "not -(2**31) <= value < 2**63",
            ),
        ),
        f"{_TESTS}values.py::test_a_number_beyond_32_bits_is_sent_as_text_with_its_type",
    ),
    Mutant(
        "whole-number-loses-its-point",
        "a number with a point is stored as one, also when it is whole",
        (
            Change(
                "azure_storage.values",
                "        if isinstance(value, float):\n",
                "        if isinstance(value, float) and not value.is_integer():\n",
            ),
        ),
        f"{_TESTS}values.py::test_a_number_with_a_point_stays_one_also_when_it_is_whole",
    ),
    Mutant(
        "update-of-any-version",
        "a row is written only at the version that its writer knows",
        (
            Change(
                "azure_storage.batch",
                'return [f"MERGE {row} HTTP/1.1", f"If-Match: {etag}", *_content(encode_values(values))]',
                'return [f"MERGE {row} HTTP/1.1", "If-Match: *", *_content(encode_values(values))]',
            ),
        ),
        f"{_TESTS}transactions.py::"
        "test_every_write_names_the_version_it_goes_by_or_the_row_that_vouches_for_it",
    ),
    Mutant(
        "whole-batch-refusal-believed",
        "what the way to the store answers is not taken for an answer about a row",
        (
            Change(
                "azure_storage.transactions",
                "if answer.status in {404, 409, 412}:",
                "if False:",
            ),
        ),
        f"{_TESTS}outcomes.py::test_what_the_store_says_of_a_whole_batch_is_told_apart",
    ),
    Mutant(
        "first-answer-only",
        "one operation that failed fails its transaction, wherever it stands",
        (Change("azure_storage.transactions", "for failed in answers:", "for failed in answers[:1]:"),),
        f"{_TESTS}transactions.py::test_one_operation_that_failed_among_answers_that_did_not_fails_them_all",
    ),
    Mutant(
        "missing-answer-believed",
        "a transaction is carried out only when every operation was answered",
        (
            Change(
                "azure_storage.transactions",
                "if len(answers) != len(operations) or not all(versions.values()):",
                "if not all(versions.values()):",
            ),
        ),
        f"{_TESTS}outcomes.py::test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown",
    ),
    Mutant(
        "timeout-is-a-refusal",
        "an answer of the store that a request was late leaves the outcome unknown",
        (Change("azure_storage.calls", "status not in {408, 429}", "status not in {429}"),),
        f"{_TESTS}calls.py::test_a_status_is_a_refusal_only_where_the_store_has_surely_done_nothing",
    ),
    Mutant(
        "deletion-is-an-answer",
        "a container that is being deleted says nothing about a lease",
        (
            Change(
                "azure_storage.calls",
                'if code in {"TableBeingDeleted", "ContainerBeingDeleted"}:',
                'if code in {"TableBeingDeleted"}:',
            ),
        ),
        f"{_TESTS}leases.py::test_a_container_that_is_being_deleted_says_nothing_about_a_lease",
    ),
    Mutant(
        "cancelled-call-reported-as-ok",
        "a call that was given up is reported as unknown",
        (
            Change(
                "azure_storage.calls",
                "        outcome = CallOutcome.UNKNOWN\n        try:",
                "        outcome = CallOutcome.OK\n        try:",
            ),
        ),
        f"{_TESTS}calls.py::test_a_cancelled_call_is_reported_as_unknown",
    ),
    Mutant(
        "lease-rounded-down",
        "the store never ends a lease before its holder expects",
        (Change("azure_storage.leases", "math.ceil(duration)", "math.floor(duration)"),),
        f"{_TESTS}leases.py::test_the_store_never_ends_a_lease_before_its_holder_expects",
    ),
    Mutant(
        "any-answer-is-a-lease",
        "a lease is held only when the store says so",
        (Change("azure_storage.leases", "success={success}", "success=range(200, 400)"),),
        f"{_TESTS}leases.py::test_only_what_the_store_says_of_a_new_lease_is_one",
    ),
    Mutant(
        "list-reaches-every-lease",
        "a lease that a list does not reach is asked for",
        (Change("azure_storage.lease_listing", "for name in names if name <= last", "for name in names"),),
        f"{_TESTS}lease_listing.py::test_leases_behind_a_list_that_is_too_long_are_asked_for_one_by_one",
    ),
    Mutant(
        "half-a-list-believed",
        "half a list names no lease as free",
        (
            Change(
                "azure_storage.lease_listing",
                'if listed.tag != "EnumerationResults" or blobs is None or marker is None:',
                "if blobs is None:",
            ),
            Change(
                "azure_storage.lease_listing", "marker.text or", "(marker is not None and marker.text) or"
            ),
        ),
        f"{_TESTS}lease_listing.py::test_a_list_that_is_cut_off_names_no_lease_as_free",
    ),
    Mutant(
        "query-not-signed",
        "the store accepts the requests about leases",
        (Change("azure_storage.authorization", "{address.path}{query}", "{address.path}"),),
        f"{_TESTS}authorization.py::test_a_request_about_a_blob_is_signed_as_the_sdk_signs_it",
    ),
    Mutant(
        "breaking-lease-is-free",
        "a lease that is held until it breaks is not free",
        (
            Change(
                "azure_storage.lease_listing",
                'frozenset({"available", "expired", "broken"})',
                'frozenset({"available", "expired", "broken", "breaking"})',
            ),
        ),
        f"{_TESTS}outcomes.py::test_a_lease_in_any_state_is_free_or_not",
    ),
    Mutant(
        "token-kept-to-its-end",
        "a token is replaced before it expires on its way",
        (Change("azure_storage.authorization", "_SPARE_SECONDS = 300", "_SPARE_SECONDS = 0"),),
        f"{_TESTS}authorization.py::test_a_token_with_less_than_five_minutes_left_is_replaced",
    ),
    Mutant(
        "prefix-read-again",
        "a range that continues behind a key does not contain that key",
        (Change("azure_storage.queries", "if after >= first else", "if after > first else"),),
        f"{_TESTS}queries.py::test_a_range_begins_at_its_prefix_or_behind_a_key_and_ends_with_the_prefix",
    ),
    Mutant(
        "empty-page-ends-a-range",
        "a range is read to its end, also over an empty page",
        (
            Change(
                "azure_storage.queries",
                '            rows += [decode_document(document) for document in _read(answer, "value")]\n',
                '            found = [decode_document(document) for document in _read(answer, "value")]\n'
                "            if not found:\n"
                "                break\n"
                "            rows += found\n",
            ),
        ),
        f"{_TESTS}queries.py::test_a_range_is_read_page_by_page_also_over_empty_ones",
    ),
    Mutant(
        "shard-without-an-answer-skipped",
        "active jobs are those of every shard, or unknown",
        (
            Change(
                "azure_storage.register",
                "            if isinstance(found, BaseException):\n                raise found\n",
                "            if isinstance(found, BaseException):\n                continue\n",
            ),
        ),
        f"{_TESTS}register.py::test_one_shard_without_an_answer_leaves_unknown_which_jobs_are_active",
    ),
    Mutant(
        "retired-id-is-free-again",
        "an id stays taken after its job is retired",
        (
            Change(
                "azure_storage.register",
                "        key = _active_key(job_id, due_at)\n        if removal is None:\n",
                '        key = f"{JOB}{job_id}"\n        if removal is None:\n',
            ),
        ),
        f"{_TESTS}register.py::test_retiring_deletes_the_active_row_alone",
    ),
    Mutant(
        "older-summary-replaces-newer",
        "a summary replaces only the version that it was made from",
        (
            Change(
                "azure_storage.read_models.writing",
                "        return await self._tables.put(Table.SUMMARIES, row, etag)\n",
                '        await self._tables.upsert(Table.SUMMARIES, [row])\n        return etag or "any"\n',
            ),
        ),
        f"{_READ_MODELS}writing.py::test_a_summary_replaces_only_the_version_that_it_was_made_from",
    ),
    Mutant(
        "half-a-tenure-lost",
        "what is stored of a tenure stays when the rest is written",
        (
            Change(
                "azure_storage.read_models.writing",
                "Table.LOCK_RUNS, stored, merge=True)",
                "Table.LOCK_RUNS, stored)",
            ),
        ),
        f"{_READ_MODELS}writing.py::test_what_is_stored_of_a_tenure_stays",
    ),
    Mutant(
        "last-fence-falls",
        "the last fence of a lock never falls",
        (
            Change(
                "azure_storage.read_models.writing",
                "if known.wanted is None or known.wanted.last_fence < lock.last_fence:",
                "if True:",
            ),
            Change(
                "azure_storage.read_models.writing",
                "while lock.last_fence > known.stored:",
                "while lock.last_fence != known.stored:",
            ),
        ),
        f"{_READ_MODELS}writing.py::test_a_lock_that_is_not_there_is_inserted_and_then_known",
    ),
    Mutant(
        "row-left-out-between-pages",
        "a list continues exactly behind the last row that was returned",
        (
            Change(
                "azure_storage.read_models.reading",
                "found[limit - 1]) if",
                "found[limit]) if",
            ),
        ),
        f"{_READ_MODELS}reading.py::test_recent_events_go_on_behind_the_last_one_given",
    ),
    Mutant(
        "page-that-searches-all-history",
        "one page of jobs costs a bounded number of requests",
        (
            Change(
                "azure_storage.read_models.job_pages",
                "for _ in range(self._most_requests):",
                "while any(each.has_more and each.count(wanted) < limit for each in lists):",
            ),
        ),
        f"{_READ_MODELS}reading.py::test_a_list_of_jobs_takes_three_requests_at_most_and_goes_on_where_it_ended",
    ),
    Mutant(
        "filter-left-to-the-storage",
        "a list has no job that does not fit its filter",
        (
            Change(
                "azure_storage.read_models.job_pages",
                "items += [job] if wanted.fits(job) else []",
                "items += [job]",
            ),
        ),
        f"{_READ_MODELS}reading.py::"
        "test_conditions_that_have_no_room_in_a_query_are_applied_to_what_it_finds",
    ),
    Mutant(
        "rare-state-after-the-summary",
        "a job is in the lists of its rare states before its summary says that it is projected",
        (
            Change(
                "azure_storage.read_models.writing",
                "        await self._rare_rows.record(summary, max(mark.seq, mark.as_of))\n",
                "",
            ),
            Change(
                "azure_storage.read_models.writing",
                "        return await self._tables.put(Table.SUMMARIES, row, etag)\n",
                "        version = await self._tables.put(Table.SUMMARIES, row, etag)\n"
                "        await self._rare_rows.record(summary, max(mark.seq, mark.as_of))\n"
                "        return version\n",
            ),
        ),
        f"{_RARE_ROWS}a_job_is_in_the_list_of_its_state_before_its_summary_says_so",
    ),
    Mutant(
        "rare-state-goes-back",
        "what an older projection writes late does not replace what is newer",
        (
            Change(
                "azure_storage.read_models.rare_rows",
                'elif stored["AsOf"] < row["AsOf"]:',
                "else:",
            ),
            Change(
                "azure_storage.read_models.rare_rows",
                "            else:\n                # The same events are the same summary.\n"
                "                return None\n",
                "",
            ),
        ),
        f"{_RARE_ROWS}a_row_is_replaced_by_one_that_takes_more_into_account_and_by_no_other",
    ),
    Mutant(
        "merged-past-what-is-known",
        "a page of several lists ends where one of them is not known further",
        (
            Change(
                "azure_storage.read_models.job_pages",
                "while len(items) < limit and not any(each.is_drained for each in lists):",
                "while len(items) < limit:",
            ),
        ),
        f"{_READ_MODELS}reading.py::test_a_page_of_several_lists_waits_for_each_of_them_and_goes_on_in_each",
    ),
    Mutant(
        "place-between-rows-forgotten",
        "a list that was read from between two rows continues there, until a job of it was looked at",
        (
            Change(
                "azure_storage.read_models.job_pages",
                "return None if self.is_begun else self.began_with",
                "return None",
            ),
        ),
        f"{_READ_MODELS}reading.py::test_lists_that_both_end_between_rows_do_not_put_each_other_back",
    ),
    Mutant(
        "long-text-too-long-for-the-store",
        "a document of any length and script can be stored",
        (
            Change(
                "azure_storage.read_models.rows",
                "_LONGEST_TEXT = 16_000",
                "_LONGEST_TEXT = 30_000",
            ),
        ),
        f"{_READ_MODELS}rows.py::test_a_long_document_comes_back_whole",
    ),
]
