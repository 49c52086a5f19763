from dataclasses import replace

import pytest

from foretick.launcher.domain.diagnosis import GIB, Facts, Finding, Grade, Port, diagnose

WELL = Facts(
    python=(3, 11, 7),
    node="v20.20.2",
    cores=2,
    memory_bytes=8 * GIB,
    disk_free_bytes=50 * GIB,
    data_dir="/data",
    is_writable=True,
    year=2026,
    clock_drift_s=0.0001,
    ports=(Port("API_PORT", 8000, is_taken=False),),
    running_pid=None,
    has_stale_card=False,
    is_web_built=True,
    kernels_cached=True,
)


def finding(facts: Facts, topic: str) -> Finding:
    return next(found for found in diagnose(facts) if found.topic == topic)


def test_machine_that_is_well_has_nothing_but_ok():
    assert {found.grade for found in diagnose(WELL)} == {Grade.OK}


TAKEN = (Port("API_PORT", 8000, is_taken=True, owner="process 7 (other)"),)


@pytest.mark.parametrize(
    ("change", "topic", "grade"),
    [
        ({"python": (3, 10, 9)}, "python", Grade.FAIL),
        ({"node": None, "is_web_built": False}, "node", Grade.FAIL),
        ({"node": None}, "node", Grade.WARN),
        ({"node": "v20.18.0"}, "node", Grade.WARN),
        ({"node": "v18.19.0", "is_web_built": False}, "node", Grade.FAIL),
        ({"is_web_built": False}, "web app", Grade.WARN),
        ({"kernels_cached": False}, "kernels", Grade.WARN),
        ({"cores": 1}, "cores", Grade.WARN),
        ({"memory_bytes": GIB}, "memory", Grade.WARN),
        ({"disk_free_bytes": GIB // 2}, "disk", Grade.FAIL),
        ({"disk_free_bytes": 3 * GIB}, "disk", Grade.WARN),
        ({"is_writable": False}, "disk", Grade.FAIL),
        ({"year": 1970}, "clock", Grade.FAIL),
        ({"clock_drift_s": -1.5}, "clock", Grade.WARN),
        ({"has_stale_card": True}, "instance", Grade.WARN),
        ({"ports": TAKEN}, "port", Grade.FAIL),
        ({"reachable": {"NATS_URL": "refused"}}, "NATS_URL", Grade.FAIL),
        ({"nats_user": ""}, "permissions", Grade.WARN),
        ({"settings_faults": ("API_PORT: not a number",)}, "settings", Grade.FAIL),
    ],
)
def test_each_fault_is_graded_and_says_what_to_do(change: dict[str, object], topic: str, grade: Grade):
    found = finding(replace(WELL, **change), topic)  # type: ignore[arg-type]
    assert found.grade is grade
    assert found.remedy


def test_user_of_an_external_nats_is_named():
    found = finding(replace(WELL, nats_user="desk"), "permissions")
    assert (found.grade, "connects as desk" in found.text) == (Grade.OK, True)


def test_newer_node_is_ok():
    assert finding(replace(WELL, node="v22.1.0"), "node").grade is Grade.OK


def test_taken_port_names_its_owner_and_another_port():
    found = finding(replace(WELL, ports=TAKEN), "port")
    assert "process 7 (other)" in found.text
    assert "API_PORT=8010" in found.remedy


def test_port_of_the_running_instance_is_no_fault():
    assert finding(replace(WELL, ports=TAKEN, running_pid=7), "port").grade is Grade.OK


def test_address_that_answers_is_ok():
    assert finding(replace(WELL, reachable={"DATABASE_URL": None}), "DATABASE_URL").grade is Grade.OK
