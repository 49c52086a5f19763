"""What a connection is answered before it is one."""

from http import HTTPStatus

from picows import WSUpgradeRequest, WSUpgradeResponse

from foretick.gateway.domain.principal import Perimeter
from foretick.gateway.domain.problem import MEDIA_TYPE, make_problem
from foretick.gateway.domain.protocol import encode_any

FEED_PATH = "/ws/realtime"


class Door:
    """Turns away who asks for something else, with a wrong Host, or for a page of a foreign Origin."""

    def __init__(self, perimeter: Perimeter) -> None:
        self._perimeter = perimeter

    def refusal(self, request: WSUpgradeRequest) -> WSUpgradeResponse | None:
        """Return the answer for one who stays outside; None for one who may come in."""
        path = request.path.decode(errors="replace").partition("?")[0]
        host = request.headers.get("host")
        reason = self._perimeter.host_refusal(host) or self._perimeter.origin_refusal(
            request.headers.get("origin"), host
        )
        if reason:
            return _refuse(HTTPStatus.FORBIDDEN, "forbidden", reason, path)
        if path != FEED_PATH:
            return _refuse(HTTPStatus.NOT_FOUND, "not_found", f"there is no {path}", path, f"the feed is {FEED_PATH}")
        return None


def _refuse(status: HTTPStatus, code: str, detail: str, path: str, hint: str = "") -> WSUpgradeResponse:
    body = encode_any(make_problem(status, code, detail, path, hint))
    return WSUpgradeResponse.create_error_response(status, body, {"Content-Type": MEDIA_TYPE})
