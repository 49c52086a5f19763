"""Settings of the launcher: what it decides itself. The rest of the environment goes to the services as it is."""

from pathlib import Path

from pydantic import Field

from foretick.common.runtime.settings import ReplaySettings, StepSettings, SymbolSettings
from foretick.launcher.domain.plan import SIMULATED_VENUES, Shards


class LauncherSettings(StepSettings, SymbolSettings, ReplaySettings):
    """Of ``foretick up``. Port 0 takes a free one."""

    api_port: int = Field(8000, alias="API_PORT", ge=0, le=65535)
    websocket_port: int = Field(8765, alias="WEBSOCKET_PORT", ge=0, le=65535, description="of the feed's own listener")
    feed_processes: int = Field(1, alias="FEED_PROCESSES", ge=1, le=64, description="that share WEBSOCKET_PORT")
    ingest_shards: int = Field(1, alias="INGEST_SHARDS", ge=1, le=64, description="processes that share the venues")
    features_shards: int = Field(1, alias="FEATURES_SHARDS", ge=1, le=64, description="processes that share features")
    predictor_shards: int = Field(1, alias="PREDICTOR_SHARDS", ge=1, le=64, description="that share predictions")
    nats_port: int = Field(0, alias="NATS_PORT", ge=0, le=65535, description="of the embedded NATS")
    postgres_port: int = Field(0, alias="POSTGRES_PORT", ge=0, le=65535, description="of the embedded PostgreSQL")
    web_dir: str = Field("web/dist", alias="WEB_DIR", description="the built web app")

    record_raw_dir: str = Field("", alias="RECORD_RAW_DIR", description="where raw frames are recorded; empty: nowhere")

    sim_ws_url: str | None = Field(
        None, alias="SIM_WS_URL", description="of a simulated exchange that runs already: none is started"
    )

    @property
    def runs_simulator(self) -> bool:
        """Whether the simulated exchange is ours to run: somebody listens to it, and it does not run elsewhere."""
        is_followed = any(venue in SIMULATED_VENUES for venue in self.venues)
        return is_followed and not self.replay and self.sim_ws_url is None

    @property
    def consolidates(self) -> bool:
        """Whether there are several venues, whose quotes of a pair may be taken together."""
        return len(set(self.venues)) > 1 and not self.replay

    @property
    def shards(self) -> Shards:
        """How many processes share the instruments of each role; a recording is replayed by one."""
        return Shards(1 if self.replay else self.ingest_shards, self.features_shards, self.predictor_shards)

    @property
    def external_nats_url(self) -> str | None:
        """NATS_URL where it is set; else the embedded NATS is started."""
        return self.nats_url if "nats_url" in self.model_fields_set else None

    @property
    def run_data_dir(self) -> Path:
        """The data directory of this run: a replay has its own below DATA_DIR and never mixes with live data."""
        root = Path(self.data_dir).resolve()
        if not self.replay:
            return root
        name = Path(self.replay[0]).name.partition(".")[0]
        return root / f"replay-{name}"
