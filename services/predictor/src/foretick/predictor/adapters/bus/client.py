"""Publishes predictions, outcomes and calibrations on the data plane."""

from msgspec.structs import replace

from foretick.common.clock import Clock
from foretick.common.contracts import Calibration, Outcome, Prediction
from foretick.common.runtime.data_plane import DataPlane
from foretick.common.subjects import CALIBRATION_MESSAGES, OUTCOME_MESSAGES, PREDICTION_MESSAGES


class DataPlaneOutlet:
    """Implements ``ports.Outlet``."""

    def __init__(self, plane: DataPlane, clock: Clock) -> None:
        self._plane = plane
        self._clock = clock

    def send_prediction(self, prediction: Prediction) -> None:
        """Publish ``prediction`` on its instrument's subject."""
        self._plane.publish(PREDICTION_MESSAGES, replace(prediction, ts_sent_ns=self._clock.now_ns()))

    def send_outcome(self, outcome: Outcome) -> None:
        """Publish ``outcome`` on its instrument's subject."""
        self._plane.publish(OUTCOME_MESSAGES, replace(outcome, ts_sent_ns=self._clock.now_ns()))

    def send_calibration(self, calibration: Calibration) -> None:
        """Publish ``calibration`` on its instrument's subject."""
        self._plane.publish(CALIBRATION_MESSAGES, replace(calibration, ts_sent_ns=self._clock.now_ns()))

    async def flush(self) -> None:
        """Wait until everything published so far has left."""
        await self._plane.flush()
