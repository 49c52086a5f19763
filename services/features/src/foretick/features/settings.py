"""Settings of the feature service."""

from pydantic import Field

from foretick.common.runtime.settings import StepSettings


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
    feature_catch_up_frames: int = Field(
        2_000_000, alias="FEATURE_CATCH_UP_FRAMES", ge=1, description="to read at most to connect to a saved state"
    )
