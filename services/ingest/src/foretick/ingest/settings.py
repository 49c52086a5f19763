"""Settings of ingest, one class for its four roles."""

from typing import Self

from pydantic import Field, model_validator

from foretick.common.runtime.settings import ReplaySettings, SymbolSettings

KNOWN_VENUES = ("sim", "binance")


class IngestSettings(SymbolSettings, ReplaySettings):
    """What its roles take from the environment. Addresses are without a trailing slash."""

    binance_ws_url: str = Field("wss://stream.binance.com:9443", alias="BINANCE_WS_URL", pattern=r"^wss?://[^/]+$")
    binance_rest_url: str = Field("https://api.binance.com", alias="BINANCE_REST_URL", pattern=r"^https?://[^/]+$")
    sim_ws_url: str = Field("ws://127.0.0.1:9444", alias="SIM_WS_URL", pattern=r"^wss?://[^/]+$")
    sim_rest_url: str = Field("http://127.0.0.1:9444", alias="SIM_REST_URL", pattern=r"^https?://[^/]+$")

    sim_host: str = Field("127.0.0.1", alias="SIM_HOST")
    sim_port: int = Field(9444, alias="SIM_PORT", ge=0, le=65535, description="0 takes a free port")
    sim_seed: int = Field(1, alias="SIM_SEED", ge=0)
    sim_rate_frac: float = Field(1.0, alias="SIM_RATE", ge=0.01, le=10_000, description="market time per data time")
    sim_faults_per_minute: float = Field(0.0, alias="SIM_FAULTS_PER_MINUTE", ge=0, le=600)

    feed_idle_timeout_s: float = Field(30.0, alias="FEED_IDLE_TIMEOUT", gt=0, le=600)
    feed_snapshot_depth: int = Field(1000, alias="FEED_SNAPSHOT_DEPTH", ge=5, le=5000)
    feed_rest_weight_per_minute: int = Field(3000, alias="FEED_REST_WEIGHT_PER_MINUTE", ge=250, le=6000)

    record_flush_interval_s: float = Field(0.2, alias="RECORD_FLUSH_INTERVAL", gt=0, le=10)
    record_retention_days: int = Field(7, alias="RECORD_RETENTION_DAYS", ge=1, le=3650)
    feature_sample_interval_s: float = Field(1.0, alias="FEATURE_SAMPLE_INTERVAL_S", ge=0.001, le=3600)

    @model_validator(mode="after")
    def _venues_known(self) -> Self:
        unknown = [venue for venue in self.venues if venue not in KNOWN_VENUES]
        if unknown:
            raise ValueError(
                f"VENUES: no connector for {', '.join(unknown)}; there is one for {', '.join(KNOWN_VENUES)}"
            )
        return self
