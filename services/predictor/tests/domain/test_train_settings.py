import pytest
from pydantic import ValidationError

from foretick.predictor.settings import PredictorSettings


def test_horizons_and_labels_are_read_from_commas():
    settings = PredictorSettings(TRAIN_HORIZONS="20, 100", TRAIN_LABELS="triple_barrier")
    assert (settings.train_horizons_steps, settings.train_labels) == ((20, 100), ("triple_barrier",))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"TRAIN_HORIZONS": "0"}, "1 to 100000 steps"),
        ({"TRAIN_HORIZONS": "five"}, "valid integer"),
        ({"TRAIN_LABELS": "meta"}, "there are forward_return, triple_barrier"),
    ],
)
def test_bad_setting_says_what_is_right(given, says):
    with pytest.raises(ValidationError, match=says):
        PredictorSettings(**given)
