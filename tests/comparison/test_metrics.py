import pytest

from core.comparison.metrics import wilson_interval


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [(100, 100, 0.9630, 1.0), (0, 100, 0.0, 0.0370), (75, 100, 0.6570, 0.8245)],
)
def test_wilson_interval_as_published(correct, images, low, high):
    interval = wilson_interval(correct, images)
    assert interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_interval_of_no_images_is_an_error():
    with pytest.raises(ValueError, match="n must be"):
        wilson_interval(0, 0)
