"""The command that runs an experiment once more, built from its spec."""

import shlex
from collections.abc import Iterator
from typing import Any

from core.errors import UnknownName
from core.experiments.records import ExperimentSpec
from core.strategies.registry import find_strategy
from core.training.spec import SplitProportions

# Digits of a dataset's id that pages show; they are enough to find it.
ID_DIGITS = 12


def run_arguments(spec: ExperimentSpec) -> list[str]:
    """The words after ``python -m core`` that plan the same experiment.

    It names the dataset by its id, which renaming does not change; settings only if they differ
    from the preset; and every strategy, so that those which could not run the first time stay out.
    """
    arguments = ["run", spec.dataset_id[:ID_DIGITS]]
    arguments += ["--strategies", ",".join(name for name, _ in spec.strategies)]
    arguments += ["--preset", spec.preset, "--seeds", ",".join(map(str, spec.seeds))]
    arguments += ["--image-size", str(spec.image_size)]
    if spec.resize != "stretch":
        arguments += ["--resize", spec.resize]
    arguments += _split_arguments(spec.split)
    if spec.precision != "auto":
        arguments += ["--precision", spec.precision]
    if spec.train_share != 1:
        arguments += ["--train-fraction", repr(spec.train_share)]
    for strategy, settings in spec.strategies:
        for name, value in _changed(spec, strategy, settings):
            arguments += ["--set", f"{strategy}.{name}={value}"]
    return arguments


def run_command(spec: ExperimentSpec) -> str:
    """The whole command as one line for a shell."""
    return shlex.join(["python", "-m", "core", *run_arguments(spec)])


def _split_arguments(split: SplitProportions) -> Iterator[str]:
    usual = SplitProportions.model_validate({})
    if split.seed != usual.seed:
        yield from ("--split-seed", str(split.seed))
    if split.test != usual.test:
        yield from ("--test-fraction", repr(split.test))
    if split.validation != usual.validation:
        yield from ("--validation-fraction", repr(split.validation))
    if not split.use_given:
        yield "--own-split"


def _changed(
    spec: ExperimentSpec, strategy: str, settings: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Settings that differ from the preset; all of them for a strategy that no longer exists."""
    try:
        declared = {setting.name: setting for setting in find_strategy(strategy).settings}
    except UnknownName:
        declared = {}
    for name, value in settings.items():
        usual = declared[name].value_for(spec.preset) if name in declared else None
        # A preset's batch that is larger than the set is made to fit when the run is planned.
        fitted = (
            name == "batch_size"
            and usual is not None
            and int(usual) > int(value) == spec.images.get("train")
        )
        if value != usual and not fitted:
            yield name, value
