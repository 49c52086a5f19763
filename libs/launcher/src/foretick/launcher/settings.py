"""Settings of the launcher: what it decides itself. The rest of the environment goes to the services as it is."""

from pathlib import Path

from pydantic import Field, field_validator

from foretick.common.runtime.settings import CommaSeparated, StepSettings, SymbolSettings, split_commas
from foretick.launcher.domain.plan import SIMULATED_VENUE


class LauncherSettings(StepSettings, SymbolSettings):
    """Of ``foretick up``. Port 0 takes a free one."""

    api_port: int = Field(8000, alias="API_PORT", ge=0, le=65535)
    nats_port: int = Field(0, alias="NATS_PORT", ge=0, le=65535, description="of the embedded NATS")
    postgres_port: int = Field(0, alias="POSTGRES_PORT", ge=0, le=65535, description="of the embedded PostgreSQL")
    web_dir: str = Field("web/dist", alias="WEB_DIR", description="the built web app")
    replay: CommaSeparated = Field((), alias="REPLAY", description="recordings that take the place of the venues")
    replay_speed: float = Field(1.0, alias="REPLAY_SPEED", ge=0, description="0 is as fast as it goes")

    sim_ws_url: str | None = Field(
        None, alias="SIM_WS_URL", description="of an exchange for venue sim that runs already: none is started"
    )

    _split_replay = field_validator("replay", mode="before")(split_commas)

    @field_validator("replay")
    @classmethod
    def _replay_exists(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        missing = [name for name in value if not Path(name).is_file()]
        if missing:
            raise ValueError(f"no such recording: {', '.join(missing)}")
        return value

    @property
    def runs_simulator(self) -> bool:
        """Whether the simulated exchange is ours to run: somebody listens to it, and it does not run elsewhere."""
        return SIMULATED_VENUE in self.venues and not self.replay and self.sim_ws_url is None

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
