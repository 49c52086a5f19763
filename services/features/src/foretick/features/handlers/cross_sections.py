"""The price of every instrument in each second -> its cross-section, told once, by whichever process."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence

from foretick.common.clock import Clock
from foretick.common.contracts import CrossMember, CrossSection, Origin
from foretick.common.units import NS_PER_S
from foretick.features.ports import CorrelationObserver, CrossPublisher, Key, Producer
from foretick.quant.cross_section import CrossFold, CrossReading
from foretick.quant.parameters import CROSS_KEPT_S
from foretick.quant.registry import CROSS_HASH

_Kept = tuple[int, Sequence[CrossReading], list[Origin], int]


class CrossSectionHandler:
    """Folds seconds in order and publishes what each says of every instrument.

    ``last_published`` is the last second that was told, by whichever process. While it is held it keeps what falls due,
    the latest that a vector may still want, and tells it when it is released.
    """

    def __init__(
        self, publisher: CrossPublisher, observer: CorrelationObserver, clock: Clock, producer: Producer
    ) -> None:
        self.last_published: int | None = None
        self._publisher = publisher
        self._observer = observer
        self._clock = clock
        self._producer = producer
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Begin anew, to publish under the fencing epoch ``epoch``."""
        self._epoch = epoch
        self._fold = CrossFold()
        self._kept: deque[_Kept] | None = None

    def hold(self) -> None:
        """Tell nothing until ``release``."""
        self._kept = deque(maxlen=CROSS_KEPT_S)

    def release(self) -> None:
        """Tell what was kept and is new, and what falls due from now on."""
        kept, self._kept = self._kept or (), None
        for each in kept:
            self._tell(*each)

    def fold(self, second: int, prices: Mapping[Key, float], origins: list[Origin], left_out: int) -> None:
        """Fold the ``prices`` known in ``second``; ``left_out``: instruments that are too many."""
        readings = self._fold.fold(second, prices)
        if self._kept is not None:
            self._kept.append((second, readings, origins, left_out))
        else:
            self._tell(second, readings, origins, left_out)

    def _tell(self, second: int, readings: Sequence[CrossReading], origins: list[Origin], left_out: int) -> None:
        if self.last_published is not None and second <= self.last_published:
            return
        members = [
            CrossMember(
                venue=each.key[0], symbol=each.key[1], pairs=each.pairs, reason=each.reason or "",
                values=list(each.values),
            )
            for each in readings
        ]  # fmt: skip
        self._publisher.publish_cross_section(
            CrossSection(
                run_id=self._producer.run_id, producer=self._producer.name, epoch=self._epoch, seq=second,
                prev_seq=self.last_published, origins=origins, ts_recv_ns=(second + 1) * NS_PER_S,
                ts_sent_ns=self._clock.now_ns(), features_hash=CROSS_HASH, left_out=left_out, members=members,
            )
        )  # fmt: skip
        self.last_published = second
        self._observer.crossed(Counter(member.reason for member in members))
