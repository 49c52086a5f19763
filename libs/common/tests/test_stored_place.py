"""Reply subjects of delivered messages, as JetStream's documents write them."""

import pytest

from foretick.common.errors import Malformed
from foretick.common.stored_place import Place, parse_place

PLACE = Place(stream_seq=42, consumer_seq=17, stored_ns=1_750_000_000_123_456_789, pending=3)


def test_both_forms_of_the_reply_subject_are_read() -> None:
    assert parse_place("$JS.ACK.MARKET.record-market.1.42.17.1750000000123456789.3") == PLACE
    assert parse_place("$JS.ACK.hub.ACCHASH.MARKET.record-market.1.42.17.1750000000123456789.3.rnd") == PLACE


@pytest.mark.parametrize("reply", ["", "_INBOX.abc", "$JS.ACK.MARKET.record.1.x.17.1.3"])
def test_other_subjects_are_refused(reply: str) -> None:
    with pytest.raises(Malformed):
        parse_place(reply)
