"""Settings of the feature service, by role."""

from pydantic import Field, field_validator

from foretick.common.errors import Malformed
from foretick.common.runtime.settings import CommaSeparated, ServiceSettings, StepSettings, split_commas
from foretick.market.bars import BarSpec, parse_spec
from foretick.quant.correlation import CorrelationTerms


class FeaturesSettings(StepSettings):
    """What ``serve`` takes from the environment, beside the steps of data time."""

    feature_snapshot_interval_s: float = Field(
        5.0, alias="FEATURE_SNAPSHOT_INTERVAL", ge=0.5, le=600, description="between two saves of an instrument's state"
    )
    feature_history_s: float = Field(
        300.0,
        alias="FEATURE_HISTORY",
        ge=1,
        le=86_400,
        description="how far back to read where there is no saved state",
    )
    bar_forming_interval_s: float = Field(
        0.5,
        alias="BAR_FORMING_INTERVAL",
        ge=0.1,
        le=60,
        description="of data time, after which bars under way are told",
    )
    bar_kinds: CommaSeparated = Field(
        (), alias="BAR_KINDS", description="bars beside those of time, such as tick-1000,dollar-1000000"
    )
    feature_catch_up_frames: int = Field(
        2_000_000, alias="FEATURE_CATCH_UP_FRAMES", ge=1, description="to read at most to connect to a saved state"
    )

    _split_kinds = field_validator("bar_kinds", mode="before")(split_commas)

    @field_validator("bar_kinds")
    @classmethod
    def _kinds_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(dict.fromkeys(parse_spec(name).name for name in value))
        except Malformed as error:
            raise ValueError(error.reason) from None

    @property
    def bar_specs(self) -> tuple[BarSpec, ...]:
        """The kinds of bars beside those of time."""
        return tuple(map(parse_spec, self.bar_kinds))


class CorrelateSettings(ServiceSettings):
    """What ``correlate`` takes from the environment; lengths are of data time."""

    correlation_window_s: int = Field(
        900,
        alias="CORRELATION_WINDOW",
        ge=60,
        le=1_500,
        multiple_of=60,
        description="stream BARS must reach back further",
    )
    correlation_half_life_s: float = Field(120.0, alias="CORRELATION_HALF_LIFE", ge=1, le=1_500)
    correlation_max_lag_s: int = Field(10, alias="CORRELATION_MAX_LAG", ge=0, le=60)
    correlation_interval_s: int = Field(
        2, alias="CORRELATION_INTERVAL", ge=1, le=600, description="between two tellings"
    )
    correlation_max_instruments: int = Field(
        64, alias="CORRELATION_MAX_INSTRUMENTS", ge=2, le=256, description="cost grows with their square"
    )

    @property
    def correlation_terms(self) -> CorrelationTerms:
        """What the estimates look back on."""
        return CorrelationTerms(
            window_s=self.correlation_window_s,
            half_life_s=self.correlation_half_life_s,
            max_lag_s=self.correlation_max_lag_s,
        )


class CertifySettings(StepSettings):
    """What ``certify`` takes from the environment, beside the steps of data time, which must be those of ``serve``."""

    certify_interval_s: float = Field(
        5.0, alias="CERTIFY_INTERVAL", ge=0.1, le=3_600, description="between two checks, each of one instrument"
    )
    certify_busy_frac: float = Field(
        0.05, alias="CERTIFY_BUSY", gt=0, le=1, description="share of the time that checks may take"
    )
    certify_frames: int = Field(
        20_000, alias="CERTIFY_FRAMES", ge=100, description="that a check reads at most, to go on from the one before"
    )
    certify_first_frames: int = Field(
        200_000, alias="CERTIFY_FIRST_FRAMES", ge=100, description="that one reads at most, to begin with the first"
    )
