import os
import stat
from pathlib import Path

import pytest

from foretick.launcher.machine.instance import AlreadyRunning, Instance, read_card, running_pid


def test_second_instance_on_a_data_directory_is_refused_and_names_the_first(tmp_path: Path):
    with Instance(tmp_path):
        assert running_pid(tmp_path) == os.getpid()
        with pytest.raises(AlreadyRunning, match=str(os.getpid())), Instance(tmp_path):
            pass


def test_instance_that_ended_leaves_no_lock_and_no_card(tmp_path: Path):
    with Instance(tmp_path) as instance:
        instance.write_card({"url": "u"})
        assert read_card(tmp_path) == {"url": "u"}
    assert running_pid(tmp_path) is None
    assert read_card(tmp_path) is None
    with Instance(tmp_path):
        pass


def test_card_is_for_its_owner_only_because_it_carries_a_password(tmp_path: Path):
    with Instance(tmp_path) as instance:
        instance.write_card({"database_url": "postgresql://u:p@h/d"})
        assert stat.S_IMODE((tmp_path / "instance.json").stat().st_mode) == 0o600


def test_directory_that_is_not_there_has_no_instance(tmp_path: Path):
    assert running_pid(tmp_path / "none") is None
    assert read_card(tmp_path / "none") is None
