"""Makes the streams, key-value buckets and object stores of the subject table, and keeps their limits up to date."""

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RePublish, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError

from foretick.common.permissions import may_change
from foretick.common.subjects import BUCKETS, OPERATOR, STREAMS, Bucket, BucketKind, Stream, subjects_of

_OTHER_CONFIGURATION = 10058
_DUPLICATES_S = 120.0


async def ensure_all(
    js: JetStreamContext, role: str = OPERATOR, *, declared: tuple[Stream | Bucket, ...] = (*STREAMS, *BUCKETS)
) -> tuple[str, ...]:
    """Make what is missing of the streams and buckets of the table; bring the limits of what ``role`` owns up to date.

    Returns the names of the streams that have other limits than the table says and belong to somebody else.

    Raises:
        nats.errors.Error: the server does not answer, or refuses, such as when its disk is smaller than the limits.
    """
    foreign: list[str] = []
    for stream in declared:
        config = configuration_of(stream)
        try:
            await js.add_stream(config)
        except APIError as error:
            if error.err_code != _OTHER_CONFIGURATION:
                raise
            if may_change(role, stream):
                await js.update_stream(config)
            else:
                foreign.append(config.name or "")
    return tuple(foreign)


def configuration_of(stream: Stream | Bucket) -> StreamConfig:
    """Return the configuration of a stream, or of the stream behind a bucket, as NATS clients lay buckets out."""
    if isinstance(stream, Stream):
        return StreamConfig(
            name=stream.name,
            subjects=subjects_of(stream),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=stream.max_age_s,
            max_bytes=stream.max_bytes,
            max_msgs_per_subject=stream.max_msgs_per_subject,
            allow_direct=True,
            num_replicas=1,
        )
    holds_keys = stream.kind is BucketKind.KEY_VALUE
    return StreamConfig(
        name=stream.stream_name,
        description=stream.meaning,
        subjects=[f"{root}.>" for root in stream.roots],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=stream.max_age_s,
        max_bytes=stream.max_bytes,
        max_msgs_per_subject=1 if holds_keys else -1,
        duplicate_window=_DUPLICATES_S,
        allow_rollup_hdrs=True,
        allow_msg_ttl=holds_keys,
        deny_delete=holds_keys,
        allow_direct=not holds_keys,  # a fencing epoch is read where it was written
        republish=RePublish(src=f"{stream.roots[0]}.>", dest=f"{stream.changes}.>") if stream.changes else None,
        num_replicas=1,
    )
