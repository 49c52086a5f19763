"""Tells how well the feature values of this process are."""

from collections.abc import Callable

from foretick.common.clock import Clock
from foretick.common.contracts import FeatureHealth
from foretick.features.domain.health import HealthWindow
from foretick.features.ports import HealthPublisher, Producer


class HealthHandler:
    """Publishes what a ``HealthWindow`` sees; ``epoch`` is that of the process."""

    def __init__(
        self,
        window: HealthWindow,
        count_vectors: Callable[[], int],
        publisher: HealthPublisher,
        clock: Clock,
        producer: Producer,
        epoch: int,
    ) -> None:
        self._window = window
        self._count_vectors = count_vectors
        self._publisher = publisher
        self._clock = clock
        self._producer = producer
        self._epoch = epoch

    def tell(self) -> None:
        """Publish how it is now."""
        now_ns = self._clock.now_ns()
        window_s, vectors, faults = self._window.look(self._count_vectors(), now_ns)
        self._publisher.publish_health(
            FeatureHealth(
                run_id=self._producer.run_id, producer=self._producer.name, epoch=self._epoch, ts_ns=now_ns,
                window_s=window_s, vectors=vectors, faults=faults,
            )
        )  # fmt: skip
