"""Where a message stands in its JetStream stream, as its reply subject says. Pure."""

from typing import NamedTuple

from foretick.common.errors import Malformed


class Place(NamedTuple):
    """Where a delivered message stands.

    stream_seq: its number in the stream
    consumer_seq: how many messages the consumer has sent up to this one, redeliveries included: a jump is a loss
    stored_ns: when JetStream stored it
    pending: how many more the stream holds for this consumer
    """

    stream_seq: int
    consumer_seq: int
    stored_ns: int
    pending: int


def parse_place(reply: str) -> Place:
    """Read the reply subject of a delivered message.

    ``$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<stored ns>.<pending>``, and in its longer
    form ``$JS.ACK.<domain>.<account>.<stream>...`` with a random last token.

    Raises:
        Malformed: it is not such a subject
    """
    tokens = reply.split(".")
    first = 5 if len(tokens) == 9 else 7
    try:
        stream_seq, consumer_seq, stored_ns, pending = map(int, tokens[first : first + 4])
    except ValueError:
        raise Malformed("jetstream", f"reply subject {reply!r}") from None
    return Place(stream_seq, consumer_seq, stored_ns, pending)
