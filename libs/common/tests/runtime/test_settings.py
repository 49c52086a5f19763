import pytest

from foretick.common.errors import InvalidSettings
from foretick.common.runtime.settings import StepSettings, SymbolSettings, load_settings


def test_defaults_are_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIGNAL_GENERATION_INTERVAL", "PREDICTION_HORIZON", "FEATURE_WINDOW_SIZE", "MODEL_RETRAIN_INTERVAL"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(StepSettings)
    assert (settings.interval_ns, settings.prediction_horizon_steps) == (100_000_000, 5)
    assert (settings.feature_window_size_steps, settings.model_retrain_interval_s) == (1000, 3600)


def test_symbols_and_venues_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_SYMBOLS", "BTCUSDT, ETHUSDT,")
    monkeypatch.setenv("VENUES", "binance,sim")
    settings = load_settings(SymbolSettings)
    assert settings.default_symbols == ("BTCUSDT", "ETHUSDT")
    assert settings.venues == ("binance", "sim")


def test_all_faults_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "localhost:4222")
    monkeypatch.setenv("DATABASE_URL", "mysql://x")
    monkeypatch.setenv("SIGNAL_GENERATION_INTERVAL", "soon")
    monkeypatch.setenv("PREDICTION_HORIZON", "0")
    monkeypatch.setenv("SHARD_INDEX", "3")
    with pytest.raises(InvalidSettings) as caught:
        load_settings(StepSettings)
    faults = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 5
    for name in ("NATS_URL", "DATABASE_URL", "SIGNAL_GENERATION_INTERVAL", "PREDICTION_HORIZON", "SHARD"):
        assert name in faults
    assert caught.value.exit_code == 2


def test_placeholder_password_is_refused_in_production_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:changeme@db/foretick")
    assert load_settings(StepSettings).database_url
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(InvalidSettings, match="placeholder"):
        load_settings(StepSettings)


def test_secrets_in_addresses_are_not_repeated_in_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@db/foretick")
    with pytest.raises(InvalidSettings) as caught:
        load_settings(StepSettings)
    assert "hunter2" not in str(caught.value)
