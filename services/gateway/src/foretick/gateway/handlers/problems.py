"""Errors of the REST interface as RFC 9457 problem details."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from foretick.common.contracts import Contract
from foretick.common.errors import Refused
from foretick.gateway.domain.protocol import encode_any

MEDIA_TYPE = "application/problem+json"

_STATUS = {"unknown_symbol": HTTPStatus.NOT_FOUND, "forbidden": HTTPStatus.FORBIDDEN}


class Problem(Contract, frozen=True, kw_only=True, gc=False):
    """What went wrong. ``code`` is for programs; ``detail`` and ``hint`` are for people.

    type: always ``about:blank``: the code says it
    title: the name of the status
    instance: the path that was asked for
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    instance: str


def problem_response(status: int, code: str, detail: str, instance: str, hint: str = "") -> Response:
    """Return a problem as a response."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, hint=hint, instance=instance
    )
    return Response(encode_any(problem), status, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Make ``app`` answer every error as a problem."""

    @app.exception_handler(Refused)
    async def on_refused(request: Request, error: Refused) -> Response:
        status = _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        return problem_response(status, error.code, error.message, request.url.path, error.hint)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return problem_response(422, "invalid_request", faults, request.url.path, "see /docs")

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).name.lower()
        response = problem_response(error.status_code, code, str(error.detail), request.url.path, "see /docs")
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def on_fault(request: Request, _error: Exception) -> Response:
        return problem_response(500, "internal", "the gateway failed; its log says why", request.url.path)
