"""Every route has a rule, and every role may do what the table says and nothing else."""

import re
from collections.abc import Iterator

import pytest
from deploy import ROOT
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from tests.unit.publisher.access.keyed import KeyedApi
from tests.unit.publisher.doubles import Api

from contracts.access import ROLES, Role, Scope
from publisher.access.rules import PUBLIC, PUBLIC_PATHS, RULES, NoRuleError
from publisher.http.admitting import admit, check_routes
from publisher.http.application import make_application
from service_defaults.health import LIVE, READY

_JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
_ALL = list(iter_route_contexts(make_application().routes))
_ROUTES = [route for route in _ALL if isinstance(route.original_route, APIRoute)]


def calls() -> Iterator[tuple[str, str, str]]:
    """Return every route with a method and a path that leads to it."""
    for route in _ROUTES:
        path = re.sub(r"\{job_id\}", _JOB, str(route.path))
        path = re.sub(r"\{name(:\w+)?\}", "a-name", path)
        for method in sorted(route.methods or ()):
            yield str(route.name), method, path


def test_every_route_has_a_rule_and_every_rule_a_route() -> None:
    names = [route.name for route in _ROUTES]
    assert len(names) == len(set(names))
    assert set(names) == set(RULES)
    assert len(names) > 30
    others = {route.path for route in _ALL if not isinstance(route.original_route, APIRoute)}
    assert others < PUBLIC_PATHS
    assert {LIVE, READY} <= PUBLIC_PATHS


def test_every_route_is_admitted_first() -> None:
    for route in _ROUTES:
        assert route.dependant.dependencies[0].call is admit, route.name


def test_only_the_documentation_is_public() -> None:
    assert {name for name, scope in RULES.items() if scope is PUBLIC} == {"docs", "to_documentation"}


def test_an_alias_needs_what_it_stands_for() -> None:
    for name in RULES:
        if name.endswith("_alias"):
            assert RULES[name] == RULES[name.removesuffix("_alias")]


def test_every_scope_but_that_of_other_names_opens_a_route() -> None:
    assert set(RULES.values()) - {PUBLIC} == set(Scope) - {Scope.ACT_AS}


def test_the_documentation_has_the_scopes_of_each_role() -> None:
    text = (ROOT / "docs/access.md").read_text()
    found: dict[Scope, set[Role]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 2 + len(Role) and cells[0].startswith("`"):
            granted = {role for role, cell in zip(Role, cells[2:], strict=True) if cell == "yes"}
            found |= {Scope(name): granted for name in re.findall("`(.+?)`", cells[0])}
    assert found == {scope: {role for role in Role if scope in ROLES[role]} for scope in Scope}


def test_an_application_with_a_route_without_a_rule_is_not_built() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/new")
    async def new() -> None: ...

    with pytest.raises(NoRuleError, match="'new'"):
        check_routes(app)


@pytest.mark.parametrize(("name", "method", "path"), list(calls()))
async def test_who_may_use_a_route(keyed: KeyedApi, name: str, method: str, path: str) -> None:
    keys = {role: keyed.keys.add(role.value, role=role) for role in Role}
    nothing = await keyed.api.client.request(method, path)
    wrong = await keyed.ask("ts_k3m9x2ab_" + "A" * 43, method, path)
    if RULES[name] is PUBLIC:
        assert nothing.status_code == wrong.status_code
        assert nothing.status_code in {200, 307}
        return
    assert nothing.status_code == wrong.status_code == 401
    for role, key in keys.items():
        answer = await keyed.ask(key, method, path)
        if RULES[name] in ROLES[role]:
            assert answer.status_code not in {401, 403, 405, 429, 500}, role
        else:
            assert answer.status_code == 403, role
            assert answer.json()["missing_scope"] == RULES[name]


@pytest.mark.parametrize(("name", "method", "path"), list(calls()))
async def test_without_a_file_of_keys_all_may_do_all(api: Api, name: str, method: str, path: str) -> None:
    answer = await api.client.request(method, path)
    assert answer.status_code not in {401, 403, 405, 429, 500}
