"""A cross-section as a message -> what it says of each instrument."""

from foretick.common.contracts import CrossMember, CrossSection
from foretick.common.errors import Malformed
from foretick.common.subjects import CROSS_SECTIONS
from foretick.quant.cross_section import CROSS_COUNT, CrossReading, CrossReason


def readings_of(section: CrossSection) -> dict[tuple[str, str], CrossReading]:
    """Return what ``section`` says, by instrument.

    Raises:
        Malformed: a member has neither all values nor a known reason, or both.
    """
    return {(member.venue, member.symbol): _reading_of(section, member) for member in section.members}


def _reading_of(section: CrossSection, member: CrossMember) -> CrossReading:
    try:
        reason = CrossReason(member.reason) if member.reason else None
    except ValueError:
        raise _fault(section, member) from None
    if len(member.values) != (0 if reason else CROSS_COUNT):
        raise _fault(section, member)
    return CrossReading((member.venue, member.symbol), member.pairs, reason, tuple(member.values))


def _fault(section: CrossSection, member: CrossMember) -> Malformed:
    says = f"{len(member.values)} values and the reason {member.reason!r}"
    return Malformed(CROSS_SECTIONS.of(), f"member {member.venue}:{member.symbol} of second {section.seq} has {says}")
