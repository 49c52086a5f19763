"""What each role may do on NATS: derived from the subject table, for the embedded server and every other.

A role publishes what it produces, subscribes to what it consumes, and reaches exactly the JetStream streams, consumers
and buckets that this takes. Whatever the table does not say is refused by the server. Streams and buckets may be
made by every role, since making one that exists changes nothing; their limits are changed by their owner alone, and no
role may delete or purge a stream of the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from foretick.common.subjects import (
    BUCKETS,
    CALLS,
    OPERATOR,
    ROLES,
    STREAMS,
    TABLE,
    Bucket,
    BucketKind,
    Stream,
    escape_token,
    owner_of,
)

_API = "$JS.API"


@dataclass(frozen=True, slots=True)
class Permissions:
    """The subjects, NATS wildcards, that a user may publish and subscribe to; all others are refused."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


EVERYTHING = Permissions((">",), (">",))


def role_of(client: str) -> str:
    """Return the role behind the name of a client or process.

    >>> role_of("features.serve-0"), role_of("launcher")
    ('features.serve', 'launcher')
    """
    name, dash, number = client.rpartition("-")
    return name if dash and number.isdecimal() else client


def inbox_of(client: str) -> str:
    """Return what the inboxes of a client begin with: nobody else may listen to the replies that a role gets.

    >>> inbox_of("features.serve-0"), inbox_of("my tests")
    ('_INBOX.features.serve', '_INBOX.my=20tests')
    """
    return ".".join(("_INBOX", *(escape_token(part) for part in role_of(client).split("."))))


def users() -> dict[str, Permissions]:
    """Return every NATS user with what it may do: one a role, and the operator."""
    return {role: permissions_of(role) for role in ROLES} | {OPERATOR: EVERYTHING}


def permissions_of(role: str) -> Permissions:
    """Return what ``role``, such as ``features.serve``, may do.

    Raises:
        ValueError: the table does not know the role
    """
    if role not in ROLES:
        raise ValueError(f"{role} is not a role of the subject table: {', '.join(ROLES)}")
    service, _, name = role.partition(".")
    inbox, own_calls = f"{inbox_of(role)}.>", f"rpc.{service}.>"
    publish = [inbox, own_calls]
    subscribe = [inbox, own_calls]
    for subject in TABLE:
        if role in subject.producers:
            is_letter = subject.tokens == ("service", "role")
            publish.append(subject.of(service, name) if is_letter else subject.wildcard)
        if role in subject.consumers:
            subscribe.append(subject.wildcard)
    for call in CALLS:
        if role in call.callers:
            publish.append(call.wildcard)
        if role == call.responder:
            publish += [f"{inbox_of(caller)}.>" for caller in call.callers]
    for stream in STREAMS:
        publish += _stream_calls(role, stream)
    for bucket in BUCKETS:
        calls, keys = _bucket_calls(role, bucket)
        publish += calls
        subscribe += keys
    return Permissions(tuple(dict.fromkeys(publish)), tuple(dict.fromkeys(subscribe)))


def may_change(role: str, stream: Stream | Bucket) -> bool:
    """Return whether ``role`` may change the limits of ``stream``; another name acts as the operator."""
    return role not in ROLES or owner_of(stream) == role


def password_variable(user: str) -> str:
    """Return the environment variable that carries a user's password in a rendered block.

    >>> password_variable("ingest.feed")
    'NATS_PASSWORD_INGEST_FEED'
    """
    return f"NATS_PASSWORD_{user.upper().replace('.', '_')}"


def reference_password(user: str) -> str:
    """Return the reference to a user's password in nats-server's environment. Its value has to begin with a letter."""
    return f"${password_variable(user)}"


def render_authorization(
    users: Mapping[str, Permissions], password_of: Callable[[str], str] = reference_password
) -> str:
    """Return nats-server's ``authorization`` block; ``password_of`` gives a user's password as the block spells it."""
    entries = "".join(
        f'    {{ user: "{user}", password: {password_of(user)}, permissions: {{\n'
        f"        publish: {_render_list(permissions.publish)}\n"
        f"        subscribe: {_render_list(permissions.subscribe)}\n"
        "    } }\n"
        for user, permissions in users.items()
    )
    return f"authorization {{\n  users: [\n{entries}  ]\n}}\n"


def _render_list(names: tuple[str, ...]) -> str:
    return "[" + "".join(f'\n          "{name}"' for name in names) + "\n        ]"


def _stream_calls(role: str, stream: Stream) -> list[str]:
    """What it takes to make ``stream``, and to read it: for those who consume it, and for its owner after a restart."""
    rows = [subject for subject in TABLE if subject.stream is stream]
    calls = _set_up_calls(role, stream, stream.name)
    reads = any(role in row.consumers for row in rows) or (
        any(role in row.producers for row in rows) and owner_of(stream) == role
    )
    return [*calls, *_read_calls(stream.name), *_direct_calls(stream.name)] if reads else calls


def _bucket_calls(role: str, bucket: Bucket) -> tuple[list[str], list[str]]:
    """What the role may publish to use ``bucket``, and what it may subscribe to: changes of the keys that it writes."""
    calls = _set_up_calls(role, bucket, bucket.stream_name)
    writes = role in bucket.writers
    if not writes and role not in bucket.readers:
        return calls, []
    keys = bucket.keys_of(role.partition(".")[0])
    calls += [*_read_calls(bucket.stream_name), f"{_API}.STREAM.MSG.GET.{bucket.stream_name}", f"{_API}.STREAM.NAMES"]
    if writes:
        calls += [f"{root}.{key}" for root in bucket.roots for key in keys]
        if bucket.kind is BucketKind.OBJECTS:  # the chunks of an object that is replaced or deleted are purged
            calls.append(f"{_API}.STREAM.PURGE.{bucket.stream_name}")
    return calls, [f"{bucket.changes}.{key}" for key in keys] if writes and bucket.changes else []


def _set_up_calls(role: str, stream: Stream | Bucket, name: str) -> list[str]:
    change = [f"{_API}.STREAM.UPDATE.{name}"] if may_change(role, stream) else []
    return [f"{_API}.STREAM.CREATE.{name}", f"{_API}.STREAM.INFO.{name}", *change]


def _direct_calls(name: str) -> list[str]:
    return [f"{_API}.DIRECT.GET.{name}", f"{_API}.DIRECT.GET.{name}.>"]


def _read_calls(name: str) -> list[str]:
    """A consumer's life: made, asked for messages, acknowledged, kept from overflowing, deleted."""
    return [
        f"{_API}.CONSUMER.CREATE.{name}",
        f"{_API}.CONSUMER.CREATE.{name}.>",
        f"{_API}.CONSUMER.DURABLE.CREATE.{name}.*",
        f"{_API}.CONSUMER.INFO.{name}.*",
        f"{_API}.CONSUMER.MSG.NEXT.{name}.*",
        f"{_API}.CONSUMER.DELETE.{name}.*",
        f"$JS.ACK.{name}.>",
        f"$JS.FC.{name}.>",
    ]
