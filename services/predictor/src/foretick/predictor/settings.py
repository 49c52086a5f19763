"""Settings of the predictor."""

from pydantic import Field

from foretick.common.runtime.settings import StepSettings


class PredictorSettings(StepSettings):
    """What ``serve`` and ``train`` take from the environment, beside the steps of data time."""

    score_window: int = Field(
        5_000, alias="SCORE_WINDOW", ge=1, le=1_000_000, description="outcomes in the running score of an instrument"
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
    model_trial_s: float = Field(
        21_600.0, alias="MODEL_TRIAL", ge=10, le=2_592_000, description="data time in which a challenger has to win, s"
    )
    model_probation_s: float = Field(
        21_600.0, alias="MODEL_PROBATION", ge=10, le=2_592_000,
        description="data time in which the model that served before may come back, s",
    )  # fmt: skip
    model_test_level: float = Field(
        0.05, alias="MODEL_TEST_LEVEL", gt=0, le=0.5, description="chance of promoting a challenger that is no better"
    )
    drift_window_s: float = Field(
        1_800.0, alias="DRIFT_WINDOW", ge=300, le=86_400, description="data time whose features are compared, s"
    )
