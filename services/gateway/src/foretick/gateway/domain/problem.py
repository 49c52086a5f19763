"""Errors over HTTP as RFC 9457 problem details."""

from http import HTTPStatus

from foretick.common.contracts import Contract

MEDIA_TYPE = "application/problem+json"


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


def make_problem(status: int, code: str, detail: str, instance: str, hint: str = "") -> Problem:
    """Return the problem with the title that belongs to ``status``."""
    return Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, hint=hint, instance=instance
    )
