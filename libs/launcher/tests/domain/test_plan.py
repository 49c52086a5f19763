from dataclasses import replace

import pytest

from foretick.common.runtime.settings import load_settings
from foretick.launcher.domain import plan
from foretick.launcher.domain.plan import Addresses, Run
from foretick.launcher.settings import LauncherSettings

ADDRESSES = Addresses(nats_url="nats://127.0.0.1:4333", api_port=8000, simulator_port=9444, websocket_port=8765)
RUN = Run(run_id="r1", data_dir="/data", web_dir="/web", venues=("sim",))


def names(*, simulated: bool) -> list[str]:
    return [role.name for role in plan.plan_roles(simulated=simulated)]


def test_simulated_exchange_runs_before_the_feed():
    assert names(simulated=True) == [
        "ingest.record", "ingest.simulate", "ingest.feed", "features.serve", "predictor.serve",
        "predictor.watch", "features.correlate", "features.certify", "gateway.api", "gateway.feed",
    ]  # fmt: skip


def test_without_it_the_rest_is_the_same():
    assert names(simulated=False) == [name for name in names(simulated=True) if name != "ingest.simulate"]


def test_several_venues_are_consolidated_after_their_feeds_have_started():
    roles = [role.name for role in plan.plan_roles(simulated=False, consolidated=True)]
    assert roles == [
        "ingest.record", "ingest.feed", "features.serve", "predictor.serve", "predictor.watch", "features.correlate",
        "features.certify", "ingest.consolidate", "gateway.api", "gateway.feed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "consolidates"),
    [
        ({}, False),
        ({"VENUES": "binance"}, False),
        ({"VENUES": "binance,binance"}, False),
        ({"VENUES": "binance,sim"}, True),
        ({"VENUES": "binance,coinbase,kraken"}, True),
        ({"VENUES": "binance,sim", "REPLAY": __file__}, False),
    ],
)
def test_venues_are_consolidated_where_there_are_two(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], consolidates: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert load_settings(LauncherSettings).consolidates is consolidates


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        ({}, True),
        ({"VENUES": "binance"}, False),
        ({"VENUES": "binance,sim"}, True),
        ({"VENUES": "sim-kraken"}, True),
        ({"REPLAY": __file__}, False),
        ({"SIM_WS_URL": "ws://127.0.0.1:9000"}, False),
    ],
)
def test_exchange_is_ours_to_run_for_those_who_listen_to_it(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], runs: bool
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert load_settings(LauncherSettings).runs_simulator is runs


def test_gateway_listens_on_the_api_port_and_others_on_their_own():
    gateway = plan.environment_of(plan.GATEWAY, RUN, ADDRESSES, http_port=5555, database_url=None)
    features = plan.environment_of(plan.FEATURES, RUN, ADDRESSES, http_port=5555, database_url=None)
    assert (gateway["HTTP_PORT"], gateway["API_PORT"], features["HTTP_PORT"]) == ("8000", "8000", "5555")


def test_roles_are_told_where_the_others_are():
    told = plan.environment_of(plan.FEED, RUN, ADDRESSES, http_port=1, database_url="postgresql://u@h/d")
    assert told["NATS_URL"] == "nats://127.0.0.1:4333"
    assert told["DATABASE_URL"] == "postgresql://u@h/d"
    assert told["RUN_ID"] == "r1"
    assert (told["SIM_PORT"], told["SIM_WS_URL"]) == ("9444", "ws://127.0.0.1:9444")
    assert told["SIM_REST_URL"] == "http://127.0.0.1:9444"


def test_feed_processes_share_a_port_and_a_nats_user_and_have_names_of_their_own():
    one, two = [role for role in plan.plan_roles(simulated=True, feed_processes=2) if role.user == "gateway.feed"]
    assert (one.name, two.name) == ("gateway.feed", "gateway.feed-1")
    urls = replace(ADDRESSES, nats_urls={"gateway.feed": "nats://feed@127.0.0.1:4333"})
    told = [plan.environment_of(role, RUN, urls, http_port=1, database_url=None) for role in (one, two)]
    assert [environment["WEBSOCKET_PORT"] for environment in told] == ["8765", "8765"]
    assert [environment["NATS_URL"] for environment in told] == ["nats://feed@127.0.0.1:4333"] * 2
    assert [environment.get("SHARD_INDEX", "0") for environment in told] == ["0", "1"]


def test_serving_roles_get_one_thread_and_training_gets_all():
    assert plan.environment_of(plan.PREDICTOR, RUN, ADDRESSES, 1, None)["OMP_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in plan.environment_of(plan.TRAIN, RUN, ADDRESSES, 1, None)


def test_bytecode_is_written_even_when_the_shell_forbids_it():
    inherited = {"PATH": "/bin", "PYTHONDONTWRITEBYTECODE": "1", "NATS_URL": "theirs"}
    assert plan.child_environment(inherited, {"NATS_URL": "ours"}) == {"PATH": "/bin", "NATS_URL": "ours"}


def test_shards_share_the_instruments_of_a_role_and_are_told_of_each_other():
    roles = plan.plan_roles(simulated=True, shards=plan.Shards(feed=2, features=3))
    assert [role.name for role in roles if role.service == "features"] == [
        "features.serve", "features.serve-1", "features.serve-2", "features.correlate",
        "features.certify",
    ]  # fmt: skip
    told = [plan.environment_of(role, RUN, ADDRESSES, 1, None) for role in roles if role.user == "features.serve"]
    assert [(each["SHARD_INDEX"], each["SHARD_COUNT"]) for each in told] == [("0", "3"), ("1", "3"), ("2", "3")]
    alone = plan.environment_of(plan.PREDICTOR, RUN, ADDRESSES, 1, None)
    assert "SHARD_COUNT" not in alone


def test_recording_is_replayed_by_one_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INGEST_SHARDS", "3")
    assert load_settings(LauncherSettings).shards.feed == 3
    monkeypatch.setenv("REPLAY", __file__)
    assert load_settings(LauncherSettings).shards.feed == 1


def test_process_connects_as_the_user_of_its_role_and_one_without_a_user_as_nobody():
    urls = {user: f"nats://{user}:pw@127.0.0.1:4333" for user in ("features.serve", "operator")}
    addresses = replace(ADDRESSES, nats_urls=urls)
    told = [
        plan.environment_of(role, RUN, addresses, 1, None)["NATS_URL"]
        for role in (*plan.shard(plan.FEATURES, 2), plan.SIMULATE)
    ]
    assert told == [urls["features.serve"], urls["features.serve"], "nats://127.0.0.1:4333"]
    assert addresses.nats_url_of("operator") == urls["operator"]
