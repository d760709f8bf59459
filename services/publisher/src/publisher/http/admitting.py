"""Admitting requests before their handlers, by the rule of each route."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute, iter_route_contexts

from contracts.jobs import Page
from publisher.access.admission import Access
from publisher.access.caller import ANYONE, Caller, current_caller
from publisher.access.rules import PUBLIC, PUBLIC_PATHS, NoRuleError, rule_of

ItemT = TypeVar("ItemT")
PageT = TypeVar("PageT", bound=Page[Any])


async def admit(request: Request) -> None:
    """Admit a request, or raise AccessError. Every route of the application depends on this, and first."""
    scope = rule_of(request.scope["route"].name)
    caller = ANYONE
    if scope is not PUBLIC:
        access: Access = request.app.state.access
        caller = access.admit(request.headers.getlist("authorization"), scope)
    request.state.caller = caller
    current_caller.set(caller)


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


#: Who asks.
Asking = Annotated[Caller, Depends(_caller)]


def check_routes(app: FastAPI) -> None:
    """Raise NoRuleError when a route of an application has no rule."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            rule_of(route.name or "")
        elif route.path not in PUBLIC_PATHS:
            # No dependency of the application guards it.
            raise NoRuleError(str(route.path))


def visible(page: PageT, caller: Caller, lock_of: Callable[[Any], str]) -> PageT:
    """Return a page without what belongs to locks that the caller may not use; it may be empty then."""
    items = [item for item in page.items if caller.may_use(lock_of(item))]
    return page if len(items) == len(page.items) else page.model_copy(update={"items": items})
