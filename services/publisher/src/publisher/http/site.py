"""What a request is answered that a page of another site may have caused."""

from http import HTTPStatus
from typing import Any

from fastapi import Request

from publisher.http.problem import ProblemError
from publisher.http.problems import problem_response
from service_defaults.site_guard import WRONG_HOST

_DETAILS = {
    True: "The request is for another host than this one. If people or programs reach the publisher by that "
    "name, add it to TURNSTILE_ALLOWED_HOSTS.",
    False: "A page of another site sent this request; only pages of the publisher itself may. If a proxy "
    "shows it under another name, add that to TURNSTILE_ALLOWED_HOSTS.",
}


async def refuse(scope: Any, receive: Any, send: Any, problem: str) -> None:
    """Answer a request that `SiteGuard` refuses with a problem document."""
    is_wrong_host = problem == WRONG_HOST
    status = HTTPStatus.MISDIRECTED_REQUEST if is_wrong_host else HTTPStatus.FORBIDDEN
    error = ProblemError(status, problem, _DETAILS[is_wrong_host])
    await problem_response(Request(scope, receive), error)(scope, receive, send)
