"""The recorded series: read and written, and forecast with each source left out."""

from dataclasses import replace

import pytest

from core.analysis.advice import replay
from core.analysis.advice.grades import Rule
from core.analysis.advice.replay import (
    bundled_replay,
    experience_without,
    graded_series,
    points_before,
    replayed,
    write_replay,
)
from core.analysis.advice.series import Series, read_series, write_series
from core.errors import StoreError
from tests import made_series

MADE = made_series.series()


def with_other_finals(made: Series, source: str) -> Series:
    """All test images of the datasets of one source predicted wrongly, and their last trainings on
    a part of the images that no forecast may see."""
    return replace(
        made,
        datasets=tuple(
            one
            if one.source != source
            else replace(
                one,
                trainings=tuple(
                    training
                    if training.fraction <= 1 / 4
                    else replace(
                        training,
                        test=training.test and "00" * (len(training.test) // 2),
                        validation="00" * (len(training.validation) // 2),
                        seconds=1e6,
                    )
                    for training in one.trainings
                ),
            )
            for one in made.datasets
        ),
    )


def test_a_series_is_written_and_read(tmp_path):
    path = tmp_path / "series.json"
    write_series(MADE, path)
    assert read_series(path) == MADE
    write_series(replace(MADE, format=99), path)
    with pytest.raises(StoreError, match="of format 99"):
        read_series(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be read"):
        read_series(path)


def test_accuracies_are_those_of_the_images_that_were_predicted_correctly():
    one = MADE.datasets[0]
    first, final = one.training("cnn", 20), one.final("cnn")
    assert one.validation_accuracy(first) == pytest.approx(0.4)
    assert one.test_accuracy(final) == pytest.approx(1 - 0.6 * 16**-0.15, abs=0.001)
    with pytest.raises(ValueError, match="not scored on test images"):
        one.test_accuracy(first)
    assert one.final("mlp") is None


def test_a_forecast_sees_a_quarter_of_the_images_at_most():
    found = points_before(MADE.datasets[0])
    assert {point.train_images for point in found} == {20, 40, 80}
    assert {point.scored_images for point in found} == {190}  # near duplicates once
    small = replace(MADE.datasets[0], train_images=80)
    assert {point.train_images for point in points_before(small)} == {20, 40}


def test_every_strategy_of_every_dataset_is_forecast_and_graded():
    graded = graded_series(MADE)
    assert list(graded) == [f"set {number}" for number in range(8)]
    own = {(one.forecast.kind, one.forecast.strategy): one for one in graded["set 3"]}
    assert {name for kind, name in own if kind == "trained"} == set(made_series.STRATEGIES)
    assert {name for kind, name in own if kind == "facts"} == {"vgg16_probe"}
    fine = own["trained", "squeezenet_finetune"]
    assert fine.forecast.prior_exponent == pytest.approx(0.45, abs=0.03)
    assert fine.forecast.cases == 24  # of six datasets of other sources
    assert fine.is_hit_80
    assert fine.forecast.own_predicted != fine.forecast.predicted
    assert fine.forecast.seconds == pytest.approx(33.0, rel=0.01)
    assert fine.seconds == 33.0


def test_a_forecast_knows_nothing_of_its_source_but_trainings_on_few_images():
    before, after = graded_series(MADE), graded_series(with_other_finals(MADE, "source 1"))
    for name in ("set 2", "set 3"):
        for one, other in zip(before[name], after[name], strict=True):
            assert replace(one.forecast, made_at="") == replace(other.forecast, made_at="")
            assert other.actual == 0
    changed = [
        one.forecast.prior_exponent != other.forecast.prior_exponent
        for one, other in zip(before["set 0"], after["set 0"], strict=True)
    ]
    assert any(changed)


def test_the_replay_sums_up():
    found = replayed(MADE)
    assert (found.datasets, found.sources) == (8, 4)
    assert found.trained.cases == 32
    assert found.trained.hits_80 > 25  # nothing but rounding is off
    assert found.trained.time_hits == found.trained.timed == 32  # all take a second or longer
    advice = found.advice
    assert (advice.datasets, advice.named) == (8, 8)
    # Fine-tuning is the best on all images, and behind on a quarter: 0.55 * 16 ** -0.45 = 0.158.
    assert advice.regret == pytest.approx(0.0, abs=0.03)
    assert advice.rules[Rule.FINETUNE] == 0
    assert advice.rules[Rule.LARGEST_PROBE] > 0.02
    assert advice.rules[Rule.USUAL] == 0  # fine-tuning is the best on the other datasets, too
    assert advice.saved is not None
    assert (found.beaten, found.usual) == (0, "squeezenet_finetune")


def test_what_is_usually_the_best_takes_datasets_of_other_sources():
    few = replayed(made_series.series(*MADE.datasets[:4]))
    assert few.advice is not None
    assert Rule.USUAL not in few.advice.rules  # two datasets of another source are too few


def test_what_was_better_by_more_than_luck_is_counted():
    first, *others = MADE.datasets
    failed = replace(
        first,
        trainings=tuple(
            replace(one, test="00" * (len(one.test) // 2))
            if one.test and one.strategy == "squeezenet_finetune"
            else one
            for one in first.trainings
        ),
    )
    assert replayed(made_series.series(failed, *others)).beaten == 1


def test_a_dataset_without_final_trainings_is_passed_over():
    begun = replace(made_series.dataset(9), trainings=())
    assert list(graded_series(made_series.series(*MADE.datasets[:2], begun))) == ["set 0", "set 1"]


def test_what_is_known_of_a_dataset_of_the_series_leaves_its_source_out():
    known = experience_without(MADE, f"{3:064d}")
    others = {"source 0", "source 2", "source 3"}
    assert {case.origin for case in known.cases} == others
    assert {curve.origin for curve in known.curves} == others
    assert {past.origin for past in known.results} == others
    all_of_it = experience_without(MADE, "elsewhere")
    assert {case.origin for case in all_of_it.cases} == others | {"source 1"}


def test_the_grades_are_kept_in_a_file(tmp_path, monkeypatch, caplog):
    path = tmp_path / "series_grades.json"
    monkeypatch.setattr(replay, "GRADES_FILE", path)
    found = replayed(MADE)
    read = replay.bundled_replay.__wrapped__
    assert read() is None
    write_replay(found, path)
    assert read() == found
    path.write_text("{}", encoding="utf-8")
    assert read() is None
    assert "cannot be read" in caplog.text


def test_the_bundled_series_can_be_read():
    found = read_series()
    assert len(found.datasets) >= 12
    kept, fresh = bundled_replay(), replayed(found)
    assert kept is not None
    for one, other in ((kept.trained, fresh.trained), (kept.facts, fresh.facts)):
        assert (one.cases, one.hits_80, one.hits_95) == (other.cases, other.hits_80, other.hits_95)
    assert kept.advice.regret == pytest.approx(fresh.advice.regret, abs=1e-3)
