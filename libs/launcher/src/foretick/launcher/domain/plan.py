"""Which roles run, in which order, and what each is told through its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SIMULATED_VENUES = {
    "sim": "simulated market",
    "sim-coinbase": "simulated Coinbase",
    "sim-kraken": "simulated Kraken",
}
"""Venues that the simulated exchange speaks as, and what they are called."""

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Role:
    """A process to run: ``python -m foretick.<service> <role>``.

    one_shot: it ends by itself when its job is done
    needs_database: it starts once the database is migrated
    serves_web: it listens on API_PORT; every other role takes a free port for its health
    instance: counts the processes that run the same role, from 0
    shards: how many processes share the role's instruments
    single_thread: numerical libraries get one thread, because the process serves and its neighbours need the cores
    """

    service: str
    role: str
    one_shot: bool = False
    needs_database: bool = False
    serves_web: bool = False
    single_thread: bool = True
    instance: int = 0
    shards: int = field(default=1, compare=False)

    @property
    def name(self) -> str:
        """The role's name in logs, such as ``ingest.feed``; ``gateway.feed-1`` is the second process of that role."""
        return f"{self.user}-{self.instance}" if self.instance else self.user

    @property
    def user(self) -> str:
        """The NATS user of the role, the same for all its processes."""
        return f"{self.service}.{self.role}"


RECORD = Role("ingest", "record", needs_database=True)
SIMULATE = Role("ingest", "simulate")
FEED = Role("ingest", "feed")
CONSOLIDATE = Role("ingest", "consolidate")
FEATURES = Role("features", "serve")
CORRELATE = Role("features", "correlate")
CERTIFY = Role("features", "certify")
PREDICTOR = Role("predictor", "serve")
WATCH = Role("predictor", "watch")
GATEWAY = Role("gateway", "api", needs_database=True, serves_web=True)
GATEWAY_FEED = Role("gateway", "feed")
TRAIN = Role("predictor", "train", one_shot=True, single_thread=False)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one run meet. ``simulator_port`` is 0 when no simulated exchange runs.

    websocket_port: of the feed's own listener, which every process of it shares

    nats_urls: with the credentials of each NATS user, by its name; empty where the server has no users of ours
    """

    nats_url: str
    api_port: int
    simulator_port: int
    websocket_port: int = 0
    nats_urls: Mapping[str, str] = field(default_factory=dict[str, str])

    def nats_url_of(self, user: str) -> str:
        """Return where ``user``, a role's name or ``operator``, connects."""
        return self.nats_urls.get(user, self.nats_url)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the system.

    replay: absolute path of the recording that takes the place of the venues, or None
    """

    run_id: str
    data_dir: str
    web_dir: str
    venues: tuple[str, ...]
    replay: str | None = None


@dataclass(frozen=True, slots=True)
class Shards:
    """Into how many processes each role that owns instruments is split."""

    feed: int = 1
    features: int = 1
    predictor: int = 1


def shard(role: Role, count: int) -> tuple[Role, ...]:
    """Return the processes of ``role`` where ``count`` of them share its instruments.

    >>> [one.name for one in shard(FEATURES, 2)]
    ['features.serve', 'features.serve-1']
    """
    return tuple(replace(role, instance=instance, shards=count) for instance in range(count))


def plan_roles(
    *, simulated: bool, consolidated: bool = False, feed_processes: int = 1, shards: Shards | None = None
) -> tuple[Role, ...]:
    """Return the serving roles in the order of their start; they stop in the reverse order.

    The recorder comes first and goes last, so that it sees everything. ``simulated``: the exchange is ours to run.
    ``consolidated``: there are venues to compare.

    >>> [role.name for role in plan_roles(simulated=False)][:4]
    ['ingest.record', 'ingest.feed', 'features.serve', 'predictor.serve']
    >>> [role.name for role in plan_roles(simulated=False)][4:]
    ['predictor.watch', 'features.correlate', 'features.certify', 'gateway.api', 'gateway.feed']
    """
    feeds = (replace(GATEWAY_FEED, instance=instance) for instance in range(feed_processes))
    shards = shards or Shards()
    owners = (*shard(FEED, shards.feed), *shard(FEATURES, shards.features), *shard(PREDICTOR, shards.predictor))
    comparing = (CONSOLIDATE,) if consolidated else ()
    simulate = (SIMULATE,) if simulated else ()
    return (RECORD, *simulate, *owners, WATCH, CORRELATE, CERTIFY, *comparing, GATEWAY, *feeds)


def environment_of(
    role: Role, run: Run, addresses: Addresses, http_port: int, database_url: str | None
) -> dict[str, str]:
    """Return what ``role`` is told beside the launcher's own environment."""
    told = {
        "NATS_URL": addresses.nats_url_of(role.user),
        "RUN_ID": run.run_id,
        "DATA_DIR": run.data_dir,
        "WEB_DIR": run.web_dir,
        "API_PORT": str(addresses.api_port),
        "WEBSOCKET_PORT": str(addresses.websocket_port),
        "HTTP_PORT": str(addresses.api_port if role.serves_web else http_port),
    }
    if role.instance or role.shards > 1:  # of a role that is not sharded it only names the process
        told |= {"SHARD_INDEX": str(role.instance), "SHARD_COUNT": str(max(role.shards, role.instance + 1))}
    if database_url is not None:
        told["DATABASE_URL"] = database_url
    if run.replay is not None:
        told["REPLAY"] = run.replay
    if addresses.simulator_port:
        told["SIM_PORT"] = str(addresses.simulator_port)
        told["SIM_WS_URL"] = f"ws://127.0.0.1:{addresses.simulator_port}"
        told["SIM_REST_URL"] = f"http://127.0.0.1:{addresses.simulator_port}"
    return told | (_ONE_THREAD if role.single_thread else {})


def child_environment(inherited: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a role's process.

    Bytecode is written whatever the caller's shell says: it makes every later start faster.
    """
    return {name: value for name, value in inherited.items() if name != "PYTHONDONTWRITEBYTECODE"} | dict(told)
