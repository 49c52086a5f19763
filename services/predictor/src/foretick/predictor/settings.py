"""Settings of the predictor."""

from pydantic import Field

from foretick.common.runtime.settings import StepSettings


class PredictorSettings(StepSettings):
    """What ``serve`` and ``train`` take from the environment, beside the steps of data time."""

    score_window: int = Field(
        5_000, alias="SCORE_WINDOW", ge=1, le=1_000_000, description="outcomes in the running score of an instrument"
    )
    abstention_cost_frac: float | None = Field(
        None, alias="ABSTENTION_COST", ge=0.0, le=2 / 3,
        description="of a decision that is not taken, a wrong one costing 1; not given: what the prior's answer costs",
    )  # fmt: skip
    online_weights: bool = Field(
        True, alias="ONLINE_WEIGHTS", description="the members' weights follow their losses; else they stay as trained"
    )
    train_seed: int | None = Field(
        None, alias="TRAIN_SEED", ge=0, description="not given: the last model's plus 2, so that retraining learns anew"
    )
    train_duration_s: float = Field(
        1_200.0, alias="TRAIN_DURATION", ge=120, le=86_400, description="data time of the market that is learnt from, s"
    )
    train_test_duration_s: float = Field(
        900.0, alias="TRAIN_TEST_DURATION", ge=60, le=86_400, description="data time of the unseen market, s"
    )
    train_threads: int = Field(2, alias="TRAIN_THREADS", ge=1, le=256, description="threads that fitting may use")
