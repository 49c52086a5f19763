"""Settings of ingest, one class for its four roles."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from foretick.common.runtime.settings import NamedValues, ReplaySettings, SymbolSettings, split_names

KNOWN_VENUES = (
    "sim",
    "sim-coinbase",
    "sim-kraken",
    "alpaca",
    "binance",
    "binance-usdm",
    "binance-coinm",
    "bybit",
    "bybit-linear",
    "bitstamp",
    "coinbase",
    "kraken",
    "okx",
    "okx-swap",
)


_BRIDGED = re.compile(r"ccxt-([a-z0-9]+)")
"""Venues that the library ccxt speaks with."""


class IngestSettings(SymbolSettings, ReplaySettings):
    """What its roles take from the environment. Addresses are without a trailing slash."""

    venue_ws_urls: NamedValues = Field({}, alias="VENUE_WS_URLS", description="venue=address,...")
    venue_rest_urls: NamedValues = Field({}, alias="VENUE_REST_URLS")
    sim_ws_url: str = Field("ws://127.0.0.1:9444", alias="SIM_WS_URL", pattern=r"^wss?://[^/]+$")
    sim_rest_url: str = Field("http://127.0.0.1:9444", alias="SIM_REST_URL", pattern=r"^https?://[^/]+$")

    sim_host: str = Field("127.0.0.1", alias="SIM_HOST")
    sim_port: int = Field(9444, alias="SIM_PORT", ge=0, le=65535, description="0 takes a free port")
    sim_seed: int = Field(1, alias="SIM_SEED", ge=0)
    sim_rate_frac: float = Field(1.0, alias="SIM_RATE", ge=0.01, le=10_000, description="market time per data time")
    sim_faults_per_minute: float = Field(0.0, alias="SIM_FAULTS_PER_MINUTE", ge=0, le=600)

    feed_idle_timeout_s: float = Field(30.0, alias="FEED_IDLE_TIMEOUT", gt=0, le=600)
    feed_snapshot_depth: int = Field(1000, alias="FEED_SNAPSHOT_DEPTH", ge=5, le=5000)
    feed_budget_frac: float = Field(
        0.5, alias="FEED_BUDGET_FRAC", gt=0.01, le=1, description="share of a venue's request budget that is ours"
    )

    record_raw_dir: str = Field("", alias="RECORD_RAW_DIR", description="folder of raw recordings; empty records none")
    record_raw_max_gb: float = Field(50.0, alias="RECORD_RAW_MAX_GB", gt=0, le=1_000_000)
    record_raw_days: float = Field(7.0, alias="RECORD_RAW_DAYS", gt=0, le=36_500)
    alpaca_key: SecretStr | None = Field(None, alias="ALPACA_KEY")
    alpaca_secret: SecretStr | None = Field(None, alias="ALPACA_SECRET")
    alpaca_feed: Literal["iex", "sip", "test"] = Field("iex", alias="ALPACA_FEED")

    record_flush_interval_s: float = Field(0.2, alias="RECORD_FLUSH_INTERVAL", gt=0, le=10)
    record_retention_days: int = Field(7, alias="RECORD_RETENTION_DAYS", ge=1, le=3650)
    record_bar_retention_days: int = Field(365, alias="RECORD_BAR_RETENTION_DAYS", ge=1, le=36_500)
    record_max_gb: float = Field(50.0, alias="RECORD_MAX_GB", ge=0, le=1_000_000, description="0 sets no bound")
    feature_sample_interval_s: float = Field(1.0, alias="FEATURE_SAMPLE_INTERVAL_S", ge=0.001, le=3600)

    _split_addresses = field_validator("venue_ws_urls", "venue_rest_urls", mode="before")(split_names)

    @field_validator("venue_ws_urls", "venue_rest_urls")
    @classmethod
    def _addresses(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        schemes = ("ws://", "wss://") if info.field_name == "venue_ws_urls" else ("http://", "https://")
        for venue, address in value.items():
            if venue not in KNOWN_VENUES:
                raise ValueError(f"no connector for {venue}; there is one for {', '.join(KNOWN_VENUES)}")
            if not address.startswith(schemes) or address.endswith("/"):
                raise ValueError(f"{address} of {venue} is not an address such as {schemes[-1]}host:port")
        return value

    @property
    def ws_urls(self) -> dict[str, str]:
        """Addresses of streams that differ from the venues' own, by venue."""
        return _simulated(self.sim_ws_url) | self.venue_ws_urls

    @property
    def rest_urls(self) -> dict[str, str]:
        """Addresses of requests that differ from the venues' own, by venue."""
        return _simulated(self.sim_rest_url) | self.venue_rest_urls

    @property
    def record_max_bytes(self) -> int | None:
        """What the recorded days may take together; None for no bound."""
        return int(self.record_max_gb * 1e9) or None

    def account_of(self, venue: str) -> dict[str, str]:
        """Return ``key``, ``secret`` and ``feed`` of the account at ``venue``; nothing where there is none."""
        if venue != "alpaca" or self.alpaca_key is None or self.alpaca_secret is None:
            return {}
        return {
            "key": self.alpaca_key.get_secret_value(), "secret": self.alpaca_secret.get_secret_value(),
            "feed": self.alpaca_feed,
        }  # fmt: skip

    @model_validator(mode="after")
    def _accounts_given(self) -> Self:
        if "alpaca" in self.venues and not self.replay and not self.account_of("alpaca"):
            raise ValueError(
                "VENUES names alpaca, which wants a key for every feed: set ALPACA_KEY and ALPACA_SECRET"
                " (those of a free paper account will do), or take alpaca out of VENUES"
            )
        return self

    @model_validator(mode="after")
    def _venues_known(self) -> Self:
        bridged = {venue: match[1] for venue in self.venues if (match := _BRIDGED.fullmatch(venue))}
        unknown = [venue for venue in self.venues if venue not in KNOWN_VENUES and venue not in bridged]
        if unknown:
            raise ValueError(
                f"VENUES: no connector for {', '.join(unknown)}; there is one for {', '.join(KNOWN_VENUES)},"
                " and ccxt-<exchange> goes through ccxt"
            )
        for venue, exchange in bridged.items():
            _require_ccxt(venue, exchange)
        return self


def _simulated(url: str) -> dict[str, str]:
    """Return where the simulated exchange at ``url`` speaks each of its protocols."""
    return {"sim": url, "sim-coinbase": f"{url}/coinbase", "sim-kraken": f"{url}/kraken"}


def _require_ccxt(venue: str, exchange: str) -> None:
    """Raise ``ValueError`` unless ccxt is there and streams ``exchange``, which is seen without loading all of it."""
    library = find_spec("ccxt")
    if library is None or not library.submodule_search_locations:
        raise ValueError(f"VENUES names {venue}, which goes through ccxt: pip install ccxt, or take it out of VENUES")
    if not Path(library.submodule_search_locations[0], "pro", f"{exchange}.py").is_file():
        raise ValueError(
            f"VENUES names {venue}, but ccxt streams no exchange {exchange}: its manual lists those it does"
        )
