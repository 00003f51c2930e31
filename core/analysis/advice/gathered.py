"""All that page, command line and notebook say of one dataset, gathered once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.analysis.advice.facts import Facts, known_facts
from core.analysis.advice.first_choice import FirstChoice, first_choice
from core.analysis.advice.forecasts import newest_forecasts
from core.analysis.advice.grades import Graded, graded_forecasts, own_record
from core.analysis.advice.placing import Placement, placed
from core.datasets.dataset import Dataset
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.experiments.store import Store


@dataclass(frozen=True)
class Advice:
    """The ``facts`` of one dataset and what follows from them.

    ``known`` are the facts of all datasets that were measured at that image size, this one among
    them, ``placements`` where they lie; both by the id of the dataset. ``stored``: the newest
    forecast of each strategy on this one; ``graded``: forecasts of any dataset that were graded.
    """

    dataset: Dataset
    facts: Facts
    known: Mapping[str, Facts]
    placements: Mapping[str, Placement]
    stored: tuple[AccuracyForecast, ...]
    graded: tuple[Graded, ...]

    @property
    def placement(self) -> Placement:
        return self.placements[self.dataset.id]

    @property
    def is_silent(self) -> bool:
        """Whether forecasts of this installation missed so often that none is shown."""
        return own_record(self.graded).caution == "silent"

    @property
    def forecasts(self) -> tuple[AccuracyForecast, ...]:
        """Those that may be shown."""
        return () if self.is_silent else self.stored

    @property
    def first(self) -> FirstChoice | None:
        """What to run first; None where nothing is known."""
        return first_choice(self.facts, self.placement, self.forecasts)


def gather(store: Store, dataset: Dataset, facts: Facts, datasets: Iterable[Dataset]) -> Advice:
    """The advice for ``dataset`` by its ``facts``; ``datasets`` are all of this installation."""
    known = known_facts(datasets, facts.image_size) | {dataset.id: facts}
    return Advice(
        dataset=dataset,
        facts=facts,
        known=known,
        placements={key: placed(one) for key, one in known.items()},
        stored=tuple(newest_forecasts(store, dataset.id, facts.image_size)),
        graded=graded_forecasts(store),
    )
