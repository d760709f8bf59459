"""Mutants of access: keys, rules, locks, names, pages of other sites, limits."""

from tests.mutants.mutant import Change, Mutant

_CLIENTS = "tests/unit/publisher/access/test_clients.py::test_"
_RULES = "tests/unit/publisher/access/test_rules.py::test_"
_KEYS = "tests/unit/contracts/test_api_keys.py::test_"
_SITES = "tests/unit/publisher/access/test_site_guard.py::test_"
_SETTINGS = "tests/unit/publisher/test_access_settings.py::test_"

MUTANTS = [
    Mutant(
        "key-known-by-its-id",
        "a key is good only as a whole",
        (Change("contracts.api_keys", "not is_right or ", ""),),
        f"{_KEYS}ten_thousand_changed_keys_are_refused",
    ),
    Mutant(
        "key-good-for-ever",
        "a key is refused when its time is over",
        (Change("contracts.api_keys", " or not stored.is_live(now)", ""),),
        f"{_KEYS}a_key_is_that_of_its_client_until_its_time_is_over",
    ),
    Mutant(
        "any-number-of-keys",
        "a client has two keys at most that are good",
        (Change("contracts.api_keys", "MOST_LIVE = 2", "MOST_LIVE = 3"),),
        "tests/unit/command_line/test_keys.py::test_a_client_has_two_keys_and_keeps_what_it_may_do",
    ),
    Mutant(
        "wide-scopes-of-limited-clients",
        "a client with locks has of its role only what belongs to a lock",
        (Change("contracts.access", "of_role - OF_ALL_LOCKS if is_limited else of_role", "of_role"),),
        f"{_KEYS}a_client_with_locks_has_of_its_role_only_what_belongs_to_a_lock",
    ),
    Mutant(
        "routes-without-a-rule",
        "an application with a route without a rule is not built",
        (Change("publisher.http.admitting", '            rule_of(route.name or "")', "            pass"),),
        f"{_RULES}an_application_with_a_route_without_a_rule_is_not_built",
    ),
    Mutant(
        "scopes-not-checked",
        "a client does only what its scopes allow",
        (Change("publisher.access.admission", "        caller.check_scope(scope)\n", ""),),
        f"{_RULES}who_may_use_a_route",
    ),
    Mutant(
        "two-keys-in-one-request",
        "a request has one key",
        (Change("publisher.access.admission", "if len(authorization) > 1 or", "if"),),
        f"{_CLIENTS}two_keys_in_one_request_are_refused",
    ),
    Mutant(
        "names-without-a-scope",
        "only a client with the scope for it names another actor",
        (Change("publisher.access.caller", "        self.check_scope(Scope.ACT_AS)\n", ""),),
        f"{_CLIENTS}another_name_needs_a_scope_and_stands_beside_that_of_the_client",
    ),
    Mutant(
        "client-hidden-behind-a-name",
        "the audit trail names the client, also when it names another",
        (Change("publisher.access.caller", 'f"{self.client.name} (as {named})"', "named"),),
        f"{_CLIENTS}another_name_needs_a_scope_and_stands_beside_that_of_the_client",
    ),
    Mutant(
        "jobs-of-all-locks",
        "a job of another lock does not exist for a client",
        (
            Change(
                "publisher.use_cases.finding",
                "found is not None and current_caller.get().may_use(found.lock_name)",
                "found is not None",
            ),
        ),
        f"{_CLIENTS}a_job_of_another_lock_does_not_exist_for_a_client",
    ),
    Mutant(
        "submissions-on-all-locks",
        "a client submits only on its locks",
        (Change("submission.service", "if check is not None:", "if False:"),),
        f"{_CLIENTS}a_client_submits_only_on_its_locks_and_of_its_kinds",
    ),
    Mutant(
        "retries-of-all-kinds",
        "a client retries only jobs of its kinds",
        (Change("publisher.http.routes", "            asking.check_job(wanted.kind, wanted.lock)\n", ""),),
        f"{_CLIENTS}a_retry_is_a_submission_of_its_kind",
    ),
    Mutant(
        "endless-tokens",
        "a client asks as often as it may",
        (Change("publisher.access.buckets", "        bucket.tokens -= 1\n", ""),),
        f"{_CLIENTS}a_client_that_asks_too_often_waits_as_long_as_it_is_told",
    ),
    Mutant(
        "tokens-saved-without-end",
        "a client that was quiet sends no more at once than its burst",
        (Change("publisher.access.buckets", "min(burst, bucket.tokens", "min(1e9, bucket.tokens"),),
        f"{_CLIENTS}a_client_that_asks_too_often_waits_as_long_as_it_is_told",
    ),
    Mutant(
        "followers-never-counted-down",
        "a follower that has left makes room for another of its client",
        (Change("publisher.use_cases.stream", "self._of_clients[client.name] -= 1", "pass"),),
        f"{_CLIENTS}a_client_follows_a_limited_number_of_jobs",
    ),
    Mutant(
        "keys-forgotten",
        "a file of keys that cannot be used changes nothing",
        (
            Change(
                "publisher.access.keys_file",
                "        except (KeyFileError, OSError) as error:\n",
                "        except (KeyFileError, OSError) as error:\n            self._ring = KeyRing({})\n",
            ),
        ),
        "tests/unit/publisher/access/test_keys_file.py"
        "::test_a_file_that_cannot_be_used_changes_nothing_and_is_logged_once",
    ),
    Mutant(
        "open-to-all",
        "a service that asks no caller who it is does not start where others reach it",
        (Change("service_defaults.exposure", "if not (self.is_local or ", "if not (True or "),),
        f"{_SETTINGS}a_service_that_asks_no_one_who_calls_does_not_start_where_others_reach_it",
    ),
    Mutant(
        "any-host",
        "a request for another host is refused",
        (
            Change(
                "service_defaults.site_guard", "return ipaddress.ip_address(host).is_loopback", "return True"
            ),
        ),
        f"{_SITES}a_name_that_was_pointed_here_is_refused",
    ),
    Mutant(
        "origins-by-host-alone",
        "a page of another port is another site",
        (
            Change(
                "service_defaults.site_guard",
                "if place not in named and",
                "if _host_of(place) not in map(_host_of, named) and",
            ),
        ),
        f"{_SITES}what_a_page_of_another_site_sends_is_refused",
    ),
]
