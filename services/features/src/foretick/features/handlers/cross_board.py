"""The latest cross-sections, for the instruments of this process: what their vectors take the due one from.

Nothing waits for them. A vector carries the one that is due by data time if it is here by then, and names it, so that
when one came is part of what was published and nothing else depends on it.
"""

from collections.abc import Callable, Iterable

from foretick.common.contracts import CrossSection
from foretick.common.errors import Malformed
from foretick.common.sequence import Admission, DerivedAudit
from foretick.common.subjects import CROSS_SECTIONS
from foretick.features.domain.cross_reading import readings_of
from foretick.features.ports import Key
from foretick.quant.cross_section import CrossReading
from foretick.quant.kernel import FeatureKernel
from foretick.quant.parameters import CROSS_KEPT_S
from foretick.quant.registry import CROSS_HASH


class CrossBoard:
    """Puts cross-sections of the run beside the kernel's rows; those of other features than this code's are left out.

    rejects: told where a message contradicts itself; counts: told of each live one what the audit says
    """

    def __init__(
        self,
        kernel: FeatureKernel,
        run_id: str,
        rejects: Callable[[str, str, bytes], None],
        counts: Callable[[Admission], None],
    ) -> None:
        self._kernel = kernel
        self._run_id = run_id
        self._rejects = rejects
        self._counts = counts
        self._audit = DerivedAudit()
        self._rows: dict[Key, int] = {}
        self._sections: dict[int, dict[Key, CrossReading]] = {}

    def handle(self, sections: Iterable[CrossSection]) -> None:
        """Take live ones; a repeat, and one of a replaced writer, is left out."""
        for section in sections:
            if self._is_ours(section):
                admission = self._audit.admit(section.epoch, section.seq, section.prev_seq)
                self._counts(admission)
                if not admission.skip:
                    self._take(section)

    def restore(self, sections: Iterable[CrossSection]) -> None:
        """Take those that the stream holds, where they are not here; live ones may have come before."""
        for section in sections:
            if self._is_ours(section) and section.seq not in self._sections:
                self._take(section)

    def seat(self, key: Key, row: int) -> None:
        """Serve instrument ``key``, in ``row`` of the kernel, from now on; also with what came before."""
        self._rows[key] = row
        self._kernel.forget_cross(row)
        for second, readings in self._sections.items():
            if key in readings:
                self._kernel.put_cross(row, second, readings[key])

    def leave(self, key: Key) -> None:
        """Serve instrument ``key`` no longer."""
        self._rows.pop(key, None)

    def _is_ours(self, section: CrossSection) -> bool:
        return section.run_id == self._run_id and section.features_hash == CROSS_HASH

    def _take(self, section: CrossSection) -> None:
        try:
            readings = readings_of(section)
        except Malformed as error:
            self._rejects(CROSS_SECTIONS.of(), error.reason, error.payload)
            return
        self._sections[section.seq] = readings
        newest = max(self._sections)
        self._sections = {s: each for s, each in self._sections.items() if s > newest - CROSS_KEPT_S}
        if section.seq not in self._sections:
            return
        for key in self._rows.keys() & readings.keys():
            self._kernel.put_cross(self._rows[key], section.seq, readings[key])
