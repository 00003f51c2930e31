"""Plans of experiments and learning curves, checked whole before anything is stored."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from core.backbones.weights.access import how_to_get, is_available
from core.datasets.choices import Resize
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments.records import ExperimentRecord, ExperimentSpec
from core.experiments.store import Store
from core.experiments.used_backbones import used_backbones
from core.settings import Precision
from core.strategies.registry import find_strategy
from core.strategies.selection import Chosen, chosen_strategies
from core.strategies.settings import PRESETS, Value
from core.strategies.strategy import Strategy
from core.text import exact_percent_text, list_text
from core.training.spec import ImageSize, Seed, SplitProportions, TrainFraction, with_train_fraction

PRESET_IMAGE_SIZES = {"quick": 96, "article": 224, "best": 224}

FRACTIONS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Of the training images, one for each point of a learning curve."""


def plan_experiment(  # noqa: PLR0913 - the interface of command line and page: one argument a field
    dataset_name: str,
    strategies: Chosen = "all",
    preset: str = "quick",
    seeds: Sequence[int] = (0,),
    image_size: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    split: SplitProportions | Mapping[str, Any] | None = None,
    resize: str | None = None,
    precision: str = "auto",
    train_share: float = 1.0,
    series: str = "",
    backbones: Chosen | None = None,
) -> ExperimentSpec:
    """Check everything and make the split, which is all that is stored.

    ``strategies`` and ``backbones`` as ``chosen_strategies`` takes them.
    ``overrides`` maps ``"strategy.setting"`` to a value or its text. ``image_size`` is in pixels,
    None is the preset's. ``train_share`` (0.01 to 1) of the split's training images are trained
    on; ``series`` is the learning curve that the experiment belongs to. Raises ``UnknownName`` or
    ``BadInput`` naming the field.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    chosen = chosen_strategies(strategies, backbones)
    settings = _settings(chosen, preset, overrides or {})
    size = _checked(
        "image_size", ImageSize, PRESET_IMAGE_SIZES[preset] if image_size is None else image_size
    )
    kept, unavailable = _able(chosen, settings, size, by_name=strategies != "all")
    seeds = _checked_seeds(seeds)
    resize = _checked("resize", Resize, resize or "stretch")
    precision = _checked("precision", Precision, precision)
    proportions = _checked("split", SplitProportions, {} if split is None else split)
    dataset = open_dataset(dataset_name)
    fraction = _checked("train_share", TrainFraction, train_share)
    subsets = with_train_fraction(proportions.of(dataset), dataset, fraction, proportions.seed)
    # A batch chosen for all images is made to fit a fraction of them, not refused.
    refusable = (overrides or {}) if fraction == 1 else {}
    _fit_batches(kept, settings, refusable, len(subsets.train))
    return ExperimentSpec(
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        strategies=tuple((entry.name, settings[entry.name]) for entry in kept),
        preset=preset,
        seeds=seeds,
        image_size=size,
        resize=resize,
        split=proportions,
        precision=precision,
        unavailable=unavailable,
        given_split=proportions.use_given and dataset.predefined_subsets is not None,
        train_share=fraction,
        series=series,
        backbones=used_backbones(kept, dataset, subsets.test),
        **_facts(dataset, subsets),
    )


@dataclass(frozen=True)
class LearningCurvePlan:
    """The same strategies on ever more of the training images, with the same test images.

    ``specs``: an experiment for each fraction, the smallest first; they share their ``series``.
    ``dropped``: sentences about the fractions that were left out, and why.
    """

    series: str
    specs: tuple[ExperimentSpec, ...]
    dropped: tuple[str, ...]


def plan_learning_curve(
    dataset_name: str, fractions: Sequence[float] = FRACTIONS, **options: Any
) -> LearningCurvePlan:
    """One experiment for each fraction (0.01 to 1) of the training images, the smaller ones inside
    the larger; nothing is stored but the split.

    ``options`` are those of ``plan_experiment``. Every fraction has an image of every class. One
    that gives the same images as a larger fraction is dropped; a batch size that is larger than
    the images of a fraction is made to fit them. Raises ``UnknownName`` or ``BadInput`` as
    ``plan_experiment``, and where fewer than two fractions are left.
    """
    series = secrets.token_hex(4)
    specs: list[ExperimentSpec] = []
    dropped: list[str] = []
    for fraction in sorted(set(fractions), reverse=True):
        spec = plan_experiment(dataset_name, train_share=fraction, series=series, **options)
        images = spec.images["train"]
        if specs and specs[-1].images["train"] == images:
            dropped.append(
                f"{exact_percent_text(fraction)} of the training images was left out: with at "
                f"least one of each class it is the same {images} images as "
                f"{exact_percent_text(specs[-1].train_share)}."
            )
        else:
            specs.append(spec)
    if len(specs) < 2:
        raise BadInput(
            "A learning curve needs at least two fractions that give different numbers of "
            f"training images. {' '.join(dropped)}".strip(),
            "fractions",
        )
    return LearningCurvePlan(series, tuple(reversed(specs)), tuple(reversed(dropped)))


def series_of(store: Store, series: str) -> list[ExperimentRecord]:
    """The experiments of one learning curve, the smallest fraction first; else ``UnknownName``."""
    experiments = store.experiments()
    found = [
        experiment for experiment in experiments if series and experiment.spec.series == series
    ]
    if not found:
        known = {entry.spec.series for entry in experiments if entry.spec.series}
        raise UnknownName("learning curve", series, known)
    return sorted(found, key=lambda experiment: experiment.spec.train_share)


def spec_changes(then: ExperimentSpec, now: ExperimentSpec) -> list[tuple[str, str, str]]:
    """What differs between two plans: ``(what, then, now)`` in words; nothing where the same runs
    would be made."""
    found = [
        (title, str(before), str(after))
        for title, before, after in (
            ("dataset", then.dataset_name, now.dataset_name),
            ("preset", then.preset, now.preset),
            ("image size", f"{then.image_size} px", f"{now.image_size} px"),
            ("resizing", then.resize, now.resize),
            ("precision", then.precision, now.precision),
            ("seeds", list_text([*map(str, then.seeds)]), list_text([*map(str, now.seeds)])),
            ("test images", then.images.get("test", 0), now.images.get("test", 0)),
            ("training images", then.images.get("train", 0), now.images.get("train", 0)),
        )
        if before != after
    ]
    if then.split_fingerprint != now.split_fingerprint and then.dataset_id == now.dataset_id:
        found.append(("split", "another", f"seed {now.split.seed}"))
    before, after = dict(then.strategies), dict(now.strategies)
    for name in dict.fromkeys((*before, *after)):
        if name not in before or name not in after:
            found.append((name, *(("not run", "run") if name in after else ("run", "not run"))))
            continue
        old, new = before[name], after[name]
        found += [
            (
                f"{name}: {setting}",
                str(old.get(setting, "not set")),
                str(new.get(setting, "not set")),
            )
            for setting in dict.fromkeys((*old, *new))
            if old.get(setting) != new.get(setting)
        ]
    return found


def unavailable_reason(strategy: Strategy, settings: Mapping[str, Any]) -> str | None:
    """Why the strategy cannot run on this machine, with the command that helps; None if it can."""
    weight_set = strategy.weights(settings)
    if weight_set is None or is_available(weight_set):
        return None
    return (
        f"{strategy.name} {_with_setting(strategy, settings)}needs the {weight_set.title}, "
        f"which is not on this machine. {how_to_get(weight_set)}"
    )


def below_title(strategy: str, reason: str) -> str:
    """An ``unavailable_reason`` for a place that has the title already: ``It needs the ...``."""
    return reason.replace(f"{strategy} ", "It ", 1) if reason.startswith(strategy) else reason


def _with_setting(strategy: Strategy, settings: Mapping[str, Any]) -> str:
    """The setting for which the strategy needs other weights than usual, in words."""
    usual = strategy.weights({})
    return "".join(
        f"with {name} '{value}' "
        for name, value in settings.items()
        if strategy.weights({name: value}) != usual
    )


def _settings(
    chosen: list[Strategy], preset: str, overrides: Mapping[str, Any]
) -> dict[str, dict[str, Value]]:
    wanted: dict[str, dict[str, Any]] = {entry.name: {} for entry in chosen}
    for key, raw in overrides.items():
        name, dot, setting = key.partition(".")
        if not dot or not setting:
            raise BadInput(f"{key!r} is not of the form strategy.setting.", key)
        find_strategy(name)
        if name not in wanted:
            raise BadInput(f"{key} is set, but {name} is not among the chosen strategies.", key)
        wanted[name][setting] = raw
    return {entry.name: entry.resolve(preset, wanted[entry.name]) for entry in chosen}


def _able(
    chosen: list[Strategy], settings: dict[str, dict[str, Value]], size: int, by_name: bool
) -> tuple[list[Strategy], dict[str, str]]:
    """Those that can run, and why the others cannot, which is an error where asked ``by_name``."""
    kept: list[Strategy] = []
    unavailable: dict[str, str] = {}
    for entry in chosen:
        reason, field = unavailable_reason(entry, settings[entry.name]), "strategies"
        if reason is None:
            try:
                entry.describe(settings[entry.name], size)
            except BadInput as error:
                reason, field = str(error), error.field or "image_size"
        if reason is None:
            kept.append(entry)
        elif by_name:
            raise BadInput(reason, field)
        else:
            unavailable[entry.name] = reason
    if not kept:
        raise BadInput("None of the strategies can run on this machine.", "strategies")
    return kept, unavailable


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    if not seeds:
        raise BadInput("Give at least one seed.", "seeds")
    checked = tuple(_checked("seeds", Seed, seed) for seed in seeds)
    if len(set(checked)) != len(checked):
        raise BadInput("A seed is given twice; each counts once.", "seeds")
    return checked


def _checked(field: str, kind: Any, value: Any) -> Any:
    """``value`` validated as ``kind``, the type of ``field`` in a spec.

    Strictly: text and booleans are not numbers. Raises ``BadInput`` with what may be given.
    """
    try:
        return TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise _translated(error, field, kind) from None


def _translated(error: ValidationError, field: str, kind: Any) -> BadInput:
    """The first of pydantic's errors in our words, with the allowed range or the known names."""
    first = error.errors()[0]
    if first["type"] == "literal_error":
        return UnknownName(field, first["input"], get_args(kind))
    place = ".".join([field, *map(str, first["loc"])])
    start = f"{place} is {first['input']!r}"
    of_model = first["loc"] and kind.model_fields.get(first["loc"][0])
    info = of_model or FieldInfo.from_annotation(kind)
    ends = [getattr(limit, "ge", getattr(limit, "le", None)) for limit in info.metadata]
    if not ends:
        return BadInput(f"{start}: {first['msg'].lower()}.", place)
    low, high = (end if isinstance(end, int) else f"{end:g}" for end in ends)
    number = "whole number" if info.annotation is int else "number"
    extra = info.json_schema_extra
    unit = f" {extra['unit']}" if isinstance(extra, dict) else ""
    return BadInput(f"{start}; it must be a {number} from {low} to {high}{unit}.", place)


def _fit_batches(
    kept: list[Strategy],
    settings: dict[str, dict[str, Value]],
    overrides: Mapping[str, Any],
    train_images: int,
) -> None:
    """Refuse a user's batch that is larger than the training set; make a preset's batch fit."""
    for entry in kept:
        batch_size = settings[entry.name].get("batch_size")
        if batch_size is None or int(batch_size) <= train_images:
            continue
        field = f"{entry.name}.batch_size"
        if field in overrides:
            raise BadInput(
                f"{field} is {batch_size}, but only {train_images} images are trained on; "
                f"give at most {train_images}.",
                field,
            )
        settings[entry.name]["batch_size"] = train_images


def _facts(dataset: Dataset, subsets: Split) -> dict[str, Any]:
    """What a comparison needs, also after the dataset was removed."""
    counts = [
        int((dataset.labels[subsets.train] == label).sum()) for label in range(len(dataset.classes))
    ]
    majority = counts.index(max(counts))
    return {
        "classes": dataset.classes,
        "images": {
            "train": len(subsets.train),
            "validation": len(subsets.validation),
            "test": len(subsets.test),
        },
        "majority_class": dataset.classes[majority],
        "majority_accuracy": float((dataset.labels[subsets.test] == majority).mean()),
        "split_fingerprint": subsets.fingerprint,
    }
