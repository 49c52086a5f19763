from foretick.launcher.domain.startup import Startup

STAGES = [("nats", "NATS"), ("model", "model"), ("predictions", "predictions")]


def test_stage_that_has_begun_shows_its_mark_and_running_seconds():
    startup = Startup(STAGES)
    startup.begin("nats", now_s=10.0)
    assert startup.line_of("nats", now_s=12.5) == "..  NATS               2.5 s"


def test_stage_that_is_done_keeps_its_seconds():
    startup = Startup(STAGES)
    startup.begin("nats", now_s=10.0)
    startup.finish("nats", now_s=11.0)
    assert startup.line_of("nats", now_s=99.0) == "ok  NATS               1.0 s"


def test_stage_that_waits_shows_no_seconds():
    assert Startup(STAGES).line_of("predictions", now_s=99.0) == "    predictions"


def test_progress_shows_as_percent_and_never_goes_back():
    startup = Startup(STAGES)
    startup.begin("model", now_s=0.0)
    startup.advance("model", 0.42, "fitting")
    startup.advance("model", 0.10, "fitting")
    assert startup.line_of("model", now_s=3.0) == "..  model              3.0 s    42%  fitting"


def test_finishing_twice_is_told_apart():
    startup = Startup(STAGES)
    assert startup.finish("nats", now_s=1.0)
    assert not startup.finish("nats", now_s=2.0)


def test_failed_stage_says_why_and_keeps_the_startup_from_being_done():
    startup = Startup(STAGES)
    startup.begin("nats", now_s=0.0)
    startup.fail("nats", now_s=1.0, detail="port taken")
    startup.finish("model", now_s=1.0)
    startup.finish("predictions", now_s=1.0)
    assert startup.line_of("nats", now_s=9.0) == "!!  NATS               1.0 s  port taken"
    assert not startup.is_done


def test_startup_is_done_when_every_stage_is():
    startup = Startup(STAGES)
    for key, _ in STAGES:
        assert not startup.is_done
        startup.finish(key, now_s=1.0)
    assert startup.is_done
