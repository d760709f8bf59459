"""Names, ids, statuses and messages, as every part of the product understands them."""

from tests.mutants.mutant import Change, Mutant

_NAMES = "tests/unit/contracts/test_lock_names.py::test_"
_IDS = "tests/unit/contracts/test_identifiers.py::test_"
_SUBMISSION = "tests/unit/contracts/test_submission.py::test_"
_MESSAGES = "tests/unit/contracts/test_messages.py::test_"
_WORDS = "tests/unit/contracts/test_words.py::test_"

MUTANTS = [
    Mutant(
        "names-not-composed",
        "two spellings of one lock name are one lock",
        (
            Change(
                "contracts.lock_names",
                'unicodedata.normalize("NFC", name).strip()',
                "name.strip()",
            ),
        ),
        f"{_NAMES}spellings_of_one_name_are_one_lock",
    ),
    Mutant(
        "names-by-their-slug",
        "two names that look alike in lower case are two locks",
        (
            Change(
                "contracts.lock_names",
                "hashlib.sha256(name.encode())",
                "hashlib.sha256(name.lower().encode())",
            ),
        ),
        f"{_NAMES}letter_case_makes_another_lock",
    ),
    Mutant(
        "names-with-hidden-characters",
        "a lock name has no character that cannot be seen",
        (Change("contracts.lock_names", '{"Cc", "Cf", "Cn",', '{"Cc", "Cn",'),),
        f"{_NAMES}no_invisible_character_may_stand_in_a_name",
    ),
    Mutant(
        "names-measured-before-composing",
        "the length of a lock name is that of its normal form",
        (Change("contracts.lock_names", "if len(spelled) > MAX_LENGTH:", "if len(name) > MAX_LENGTH:"),),
        f"{_NAMES}characters_are_counted_after_composing_and_without_blanks_around",
    ),
    Mutant(
        "ids-by-chance-within-a-millisecond",
        "identifiers of one process rise also within one millisecond",
        (Change("contracts.identifiers", "self._last + 1)", "self._last)"),),
        f"{_IDS}more_ids_than_a_millisecond_has_numbers_rise_into_the_next",
    ),
    Mutant(
        "ids-follow-the-clock-back",
        "identifiers rise when the clock steps back",
        (
            Change(
                "contracts.identifiers",
                "max((time.time_ns() // 1_000_000) << 12, self._last + 1)",
                "(time.time_ns() // 1_000_000) << 12",
            ),
        ),
        f"{_IDS}ids_keep_rising_when_the_clock_steps_back",
    ),
    Mutant(
        "ids-counted-without-the-mutex",
        "two threads of one process never get the same place in line",
        (Change("contracts.identifiers", "with self._mutex:", "if True:"),),
        f"{_IDS}two_threads_never_count_the_same_number",
    ),
    Mutant(
        "ids-of-version-7-only",
        "a caller's id may be a UUID of any version",
        (
            Change(
                "contracts.identifiers", "if parsed is None or", "if parsed is None or parsed.version != 7 or"
            ),
        ),
        f"{_IDS}an_id_may_have_any_version_and_variant",
    ),
    Mutant(
        "ids-as-they-were-written",
        "an id in capitals is the same id",
        (Change("contracts.identifiers", "    return str(parsed)\n", "    return value\n"),),
        f"{_IDS}any_uuid_is_accepted_in_either_case",
    ),
    Mutant(
        "priorities-without-an-end",
        "a priority that no key can hold is refused",
        (Change("contracts.jobs", "            le=LAST_PRIORITY,\n", ""),),
        f"{_SUBMISSION}what_is_just_beyond_is_refused_and_named",
    ),
    Mutant(
        "unknown-fields-dropped",
        "a field that is not known is refused, not dropped",
        (
            Change(
                "contracts.jobs",
                '"""What a job is to be, without the id that makes it one."""\n\n    model_config = ConfigDict(extra="forbid"',
                '"""What a job is to be, without the id that makes it one."""\n\n    model_config = ConfigDict(extra="ignore"',
            ),
        ),
        f"{_SUBMISSION}what_is_just_beyond_is_refused_and_named",
    ),
    Mutant(
        "messages-of-any-version",
        "a message of another version is refused",
        (Change("contracts.messages", "version: Literal[1] = 1", "version: int = 1"),),
        f"{_MESSAGES}another_version_is_refused",
    ),
    Mutant(
        "timed-out-is-no-end",
        "a job that timed out has ended",
        (
            Change(
                "contracts.statuses",
                "JobStatus.TIMED_OUT: True",
                "JobStatus.TIMED_OUT: False",
            ),
        ),
        f"{_WORDS}a_status_is_this_word_and_is_terminal_or_not",
    ),
    Mutant(
        "one-quarantine-for-all",
        "two installations on one broker share no name",
        (
            Change(
                "contracts.topology", 'return f"{self.namespace}.quarantine"', 'return "turnstile.quarantine"'
            ),
        ),
        f"{_WORDS}two_installations_share_no_name",
    ),
]
