"""Settings from the environment: the names users know, typed, frozen, all faults reported together."""

import contextlib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from foretick.common.errors import InvalidSettings
from foretick.common.units import nanos_from_seconds

_PLACEHOLDERS = ("changeme", "change-me", "change_me", "secret", "password", "placeholder", "xxx")

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
CommaSeparatedNumbers = Annotated[tuple[int, ...], NoDecode]

NamedValues = Annotated[dict[str, str], NoDecode]
"""``name=value,...``, read by ``split_names``."""


def split_commas(value: object) -> object:
    """Split ``"a, b"`` into ``("a", "b")``; leave anything else alone."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def split_names(value: object) -> object:
    """Split ``"a=1, b=2"`` into ``{"a": "1", "b": "2"}``; leave anything else alone.

    Raises:
        ValueError: for a part without a name or a value
    """
    if not isinstance(value, str):
        return value
    named: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, separator, text = part.partition("=")
        if not (name and separator and text):
            raise ValueError(f"{part!r} is not name=value")
        named[name.strip()] = text.strip()
    return named


class ServiceSettings(BaseSettings):
    """What every service takes from the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True)

    environment: Literal["development", "production"] = Field("development", alias="ENVIRONMENT")
    nats_url: str = Field("nats://127.0.0.1:4222", alias="NATS_URL")
    database_url: str | None = Field(None, alias="DATABASE_URL")
    run_id: str | None = Field(None, alias="RUN_ID", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    http_host: str = Field("127.0.0.1", alias="HTTP_HOST")
    http_port: int = Field(0, alias="HTTP_PORT", ge=0, le=65535, description="0 takes a free port")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="LOG_LEVEL")
    data_dir: str = Field(".foretick", alias="DATA_DIR")
    shard_index: int = Field(0, alias="SHARD_INDEX", ge=0)
    shard_count: int = Field(1, alias="SHARD_COUNT", ge=1)

    @field_validator("nats_url")
    @classmethod
    def _nats_scheme(cls, value: str) -> str:
        if not value.startswith(("nats://", "tls://")):
            raise ValueError("must start with nats:// or tls://, such as nats://127.0.0.1:4222")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        if not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must be a PostgreSQL address, such as postgresql://user:password@host:5432/foretick")
        password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
        if info.data.get("environment") == "production" and password.lower() in _PLACEHOLDERS:
            raise ValueError("carries a placeholder password: set a real one for production")
        return value

    @field_validator("shard_count")
    @classmethod
    def _shard_in_range(cls, value: int, info: ValidationInfo) -> int:
        index = info.data.get("shard_index", 0)
        if index >= value:
            raise ValueError(f"must be greater than SHARD_INDEX={index}")
        return value


class StepSettings(ServiceSettings):
    """Settings of the steps of data time."""

    signal_generation_interval_s: float = Field(0.1, alias="SIGNAL_GENERATION_INTERVAL", ge=0.001, le=60)
    prediction_horizon_steps: int = Field(5, alias="PREDICTION_HORIZON", ge=1, le=100_000)
    feature_window_size_steps: int = Field(1000, alias="FEATURE_WINDOW_SIZE", ge=2, le=1_000_000)
    model_retrain_interval_s: float = Field(
        3600, alias="MODEL_RETRAIN_INTERVAL", ge=0, description="age at which a new model is trained; 0 is never"
    )

    @property
    def interval_ns(self) -> int:
        """Length of a step of data time, ns."""
        return nanos_from_seconds(self.signal_generation_interval_s)


class SymbolSettings(ServiceSettings):
    """Which instruments, on which venues."""

    default_symbols: CommaSeparated = Field(
        ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT"),
        alias="DEFAULT_SYMBOLS",
        min_length=1,
    )
    venues: CommaSeparated = Field(("sim",), alias="VENUES", min_length=1)

    _split = field_validator("default_symbols", "venues", mode="before")(split_commas)


class ReplaySettings(ServiceSettings):
    """Recordings that take the place of the venues."""

    replay: CommaSeparated = Field((), alias="REPLAY", description="recordings, merged by receive time; empty is live")
    replay_speed: float = Field(1.0, alias="REPLAY_SPEED", ge=0, le=10_000, description="0 is as fast as it goes")
    replay_from: str = Field(
        "", alias="REPLAY_FROM", description="what is shown first: an ISO time, or seconds or HH:MM:SS into it"
    )
    replay_to: str = Field("", alias="REPLAY_TO", description="what is shown last, told in the same ways")
    replay_stamps: Literal["wall", "recorded"] = Field(
        "wall", alias="REPLAY_STAMPS", description="what messages tell of their way: our clock, or data time"
    )

    _split_replay = field_validator("replay", mode="before")(split_commas)

    @field_validator("replay")
    @classmethod
    def _replay_exists(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        missing = [name for name in value if not Path(name).exists()]
        if missing:
            raise ValueError(f"no such recording: {', '.join(missing)}")
        return value


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def load_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read ``settings_class`` from the environment.

    Raises:
        InvalidSettings: with every fault, each naming the variable and what is wrong.
    """
    try:
        return settings_class()  # pyright: ignore[reportCallIssue] - the environment gives the arguments
    except ValidationError as error:
        raise InvalidSettings([_describe(fault) for fault in error.errors()]) from None


def _describe(fault: object) -> str:
    entry = dict(fault) if isinstance(fault, dict) else {}
    name = ".".join(str(part) for part in entry.get("loc", ())) or "settings"
    message = str(entry.get("msg", "")).removeprefix("Value error, ")
    given = ""
    with contextlib.suppress(KeyError):
        value = entry["input"]
        given = f" (given: {value!r})" if isinstance(value, str | int | float | tuple) and "URL" not in name else ""
    return f"{name}: {message}{given}"
