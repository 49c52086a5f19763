"""Errors of the REST interface as RFC 9457 problem details."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from foretick.common.errors import Refused
from foretick.gateway.domain.problem import MEDIA_TYPE, make_problem
from foretick.gateway.domain.protocol import encode_any

_STATUS = {
    "unknown_symbol": HTTPStatus.NOT_FOUND,
    "not_available": HTTPStatus.NOT_FOUND,
    "forbidden": HTTPStatus.FORBIDDEN,
    "no_prediction": HTTPStatus.NOT_FOUND,
    "no_explanation": HTTPStatus.NOT_FOUND,
    "withheld": HTTPStatus.CONFLICT,
    "not_owned": HTTPStatus.SERVICE_UNAVAILABLE,
    "no_answer": HTTPStatus.GATEWAY_TIMEOUT,
    "bad_answer": HTTPStatus.BAD_GATEWAY,
    "internal": HTTPStatus.BAD_GATEWAY,
}


def problem_response(status: int, code: str, detail: str, instance: str, hint: str = "") -> Response:
    """Return a problem as a response."""
    problem = make_problem(status, code, detail, instance, hint)
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
