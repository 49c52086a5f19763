"""Settings of the gateway."""

from pydantic import Field, field_validator

from foretick.common.runtime.settings import CommaSeparated, SymbolSettings, split_commas


class GatewaySettings(SymbolSettings):
    """What the gateway takes from the environment.

    Role api serves REST, the WebSocket feed, the web app, health and metrics on one port: API_PORT. Role feed serves
    the WebSocket feed alone on WEBSOCKET_PORT, and health and metrics on HTTP_PORT.
    """

    websocket_port: int = Field(8765, alias="WEBSOCKET_PORT", ge=0, le=65535, description="0 takes a free port")
    feed_processes: int = Field(1, alias="FEED_PROCESSES", ge=1, le=64, description="that share WEBSOCKET_PORT")
    max_concurrent_connections: int = Field(1000, alias="MAX_CONCURRENT_CONNECTIONS", ge=1, le=1_000_000)
    web_dir: str = Field("web/dist", alias="WEB_DIR", description="folder of the built web app")
    allowed_hosts: CommaSeparated = Field((), alias="ALLOWED_HOSTS", description="besides loopback names; * for all")
    allowed_origins: CommaSeparated = Field((), alias="ALLOWED_ORIGINS", description="also allowed by CORS; * for all")

    _split_allowed = field_validator("allowed_hosts", "allowed_origins", mode="before")(split_commas)

    @field_validator("allowed_origins")
    @classmethod
    def _origins_are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [origin for origin in value if origin != "*" and not origin.startswith(("http://", "https://"))]
        if wrong:
            raise ValueError(f"{wrong[0]} is not an origin such as https://desk.example")
        return value


class ApiSettings(GatewaySettings):
    """Of the role api: what other services serve on HTTP_PORT is here on API_PORT."""

    http_port: int = Field(8000, alias="API_PORT", ge=0, le=65535, description="0 takes a free port")
