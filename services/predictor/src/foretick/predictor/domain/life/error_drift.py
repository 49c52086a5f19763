"""Whether the champion's log loss has risen by more than chance: ADWIN over means of stretches of time."""

from typing import Protocol

from foretick.common.contracts import Outcome

WORST_LOSS_NATS = 4.605170186
"""-log(0.01): losses count as at most this, since ADWIN takes numbers from 0 to 1."""


class ChangeDetector(Protocol):
    """Watches the mean of a sequence of numbers from 0 to 1."""

    def update(self, value: float) -> bool:
        """Take the next; return whether the mean has changed."""
        ...

    @property
    def mean(self) -> float:
        """Mean of the window since the last change; there is one after the first number."""
        ...


class ErrorDrift:
    """The losses of all instruments, averaged over stretches of ``stretch_steps``, one number each.

    Neighbouring outcomes share returns and the market's mood, and ADWIN wants independent numbers; stretches that are
    many horizons long come near it. Only a rise is an alarm; it lasts until the champion changes or the loss falls.
    """

    def __init__(self, detector: ChangeDetector, stretch_steps: int) -> None:
        self._detector = detector
        self._stretch_steps = stretch_steps
        self._stretch = -1
        self._sum = 0.0
        self._count = 0
        self.stretches = 0
        self.is_alarm = False

    @property
    def loss_nats(self) -> float | None:
        """Mean loss since the last change; None before the first stretch has ended."""
        return self._detector.mean * WORST_LOSS_NATS if self.stretches else None

    def add(self, outcome: Outcome) -> None:
        """Take an outcome; one of an earlier stretch counts in the present one."""
        stretch = outcome.step // self._stretch_steps
        if stretch > self._stretch:
            self._close()
            self._stretch = stretch
        self._sum += min(outcome.log_loss, WORST_LOSS_NATS) / WORST_LOSS_NATS
        self._count += 1

    def _close(self) -> None:
        if not self._count:
            return
        before = self._detector.mean if self.stretches else 0.0
        if self._detector.update(self._sum / self._count):
            self.is_alarm = self._detector.mean > before
        self.stretches += 1
        self._sum, self._count = 0.0, 0
