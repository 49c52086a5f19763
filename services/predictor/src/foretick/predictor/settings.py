"""Settings of the predictor."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from foretick.common.runtime.settings import CommaSeparated, CommaSeparatedNumbers, StepSettings, split_commas
from foretick.predictor.domain.targets import LabelKind

_LONGEST_STEPS = 100_000


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
    train_model: Literal["ensemble", "sequence"] = Field(
        "ensemble", alias="TRAIN_MODEL",
        description="sequence: a network over the latest vectors, by torch (an extra); judged, and not served yet",
    )  # fmt: skip
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
    train_horizons_steps: CommaSeparatedNumbers = Field(
        (), alias="TRAIN_HORIZONS", description="horizons that are walked forward beside the served one"
    )
    train_labels: CommaSeparated = Field(
        (), alias="TRAIN_LABELS", description="labels that are walked forward beside the served forward_return"
    )
    train_trials: int = Field(
        0, alias="TRAIN_TRIALS", ge=0, le=10_000, description="sizes of the members that are tried; 0 takes the usual"
    )
    train_embargo_s: float = Field(
        30.0, alias="TRAIN_EMBARGO", ge=0, le=86_400, description="left out before each stretch that is answered, s"
    )

    train_from: Literal["sim", "recordings", "database"] = Field(
        "sim", alias="TRAIN_FROM", description="the simulated market, files of events, or the record at DATABASE_URL"
    )
    train_files: CommaSeparated = Field(
        (), alias="TRAIN_FILES", description="files of events, or folders of them, for TRAIN_FROM=recordings"
    )
    train_run: str | None = Field(
        None, alias="TRAIN_RUN", description="run of the record for TRAIN_FROM=database; not given: the newest"
    )
    train_test_frac: float = Field(
        0.3,
        alias="TRAIN_TEST_FRAC",
        gt=0,
        lt=1,
        description="share of a recorded time, its end, that is tested on",
    )

    _split = field_validator("train_horizons_steps", "train_labels", "train_files", mode="before")(split_commas)

    @model_validator(mode="after")
    def _source_is_named(self) -> Self:
        if self.train_from == "recordings" and not self.train_files:
            raise ValueError("TRAIN_FROM=recordings needs TRAIN_FILES: files of events, or folders of them")
        if self.train_model == "sequence" and self.train_trials:
            raise ValueError("TRAIN_MODEL=sequence knows no search: TRAIN_TRIALS must be 0")
        if self.train_from == "database" and self.database_url is None:
            raise ValueError("TRAIN_FROM=database needs DATABASE_URL")
        return self

    @field_validator("train_horizons_steps")
    @classmethod
    def _horizons_are_ahead(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= horizon <= _LONGEST_STEPS for horizon in value):
            raise ValueError(f"must be horizons of 1 to {_LONGEST_STEPS} steps, such as 5,20,100")
        return value

    @field_validator("train_labels")
    @classmethod
    def _labels_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(value) - set(LabelKind)):
            raise ValueError(f"knows no {', '.join(unknown)}; there are {', '.join(LabelKind)}")
        return value
