"""What a notebook needs of Headstart: datasets, experiments, comparisons, charts, reports.

``import core as headstart`` gives ``open_home``; ``docs/notebook.md`` shows the way through.
"""

import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from core.analysis.advice.facts import IMAGE_SIZE, measure_facts
from core.analysis.advice.gathered import Advice, gather
from core.analysis.advice.race.request import Race, plan_race, run_race
from core.analysis.backbones import backbone_matrix
from core.analysis.comparison import Comparison, compare_experiment
from core.analysis.confusion import confusion
from core.analysis.curves import curves_of
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.scores import score_table
from core.analysis.time_breakdown import load_time_breakdown
from core.analysis.verdicts import all_pairs
from core.analysis.words.own_backbones import describe_overlap
from core.charts.accuracy import accuracy_scores, scores_chart
from core.charts.backbones import backbone_matrix_chart
from core.charts.curves import CurveMetric, curve_chart
from core.charts.deployment import deployment_chart
from core.charts.exhibit import Exhibit
from core.charts.matrices import confusion_chart, pairs_chart
from core.charts.time import time_breakdown_chart
from core.datasets.add import add_dataset
from core.datasets.dataset import Dataset
from core.datasets.storage import list_datasets, open_dataset
from core.errors import UnknownName
from core.experiments.extension import extend, plan_extension, resume
from core.experiments.labels import WRITTEN, Labels, change_labels
from core.experiments.own_backbones import backbone_work, request_backbone
from core.experiments.planning import plan_experiment
from core.experiments.recorded import prepare_home
from core.experiments.records import ExperimentSpec, RunRecord
from core.experiments.serving import run_to_end
from core.experiments.sharing import export_file, import_file
from core.experiments.store import Store
from core.files import write_bytes
from core.jobs.cached import wait_for
from core.reports.frames import epochs_frame, runs_frame
from core.reports.report import report_html
from core.reports.tables import export_zip_of_tables

Say = Callable[[str], None]


def open_home(folder: str | os.PathLike[str] | None = None, say: Say | None = None) -> "Lab":
    """The home with its datasets and experiments, made ready as the pages make it.

    ``folder``: the home; None takes ``HEADSTART_HOME``, or the usual place. It holds for this
    process from now on, and for those that it starts. ``say`` gets the lines of progress; None
    prints them to standard error.
    """
    if folder is not None:
        os.environ["HEADSTART_HOME"] = str(Path(folder).expanduser().resolve())
    return Lab(prepare_home(), say or _print)


def _print(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Lab:
    """One home: what pages and command line do, as methods."""

    store: Store
    say: Say

    def add_dataset(self, path: str | os.PathLike[str], name: str | None = None) -> Dataset:
        """Read a folder, zip, table or IDX file and store it; see ``core.datasets.add``."""
        return add_dataset(Path(path), name)

    def datasets(self) -> list[Dataset]:
        return list_datasets()

    def dataset(self, name: str) -> Dataset:
        """A dataset by name or id. Raises ``UnknownName``."""
        return open_dataset(name)

    def experiments(self) -> list["Experiment"]:
        """All of them, the newest first."""
        return [Experiment(self.store, entry.id) for entry in self.store.experiments()]

    def runs_frame(self) -> pd.DataFrame:
        """A line for each run of every experiment: settings, scores, times, machine."""
        return runs_frame(self.store)

    def epochs_frame(self) -> pd.DataFrame:
        """A line for each epoch of every run."""
        return epochs_frame(self.store)

    def experiment(self, experiment_id: str) -> "Experiment":
        """Raises ``UnknownName``."""
        return Experiment(self.store, self.store.experiment(experiment_id).id)

    def run(
        self,
        dataset: Dataset | str,
        strategies: Sequence[str] | Literal["all"] = "all",
        preset: str = "quick",
        seeds: int | Sequence[int] = 1,
        settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> "Experiment":
        """Train and score; returns when every run has ended. Ctrl-C cancels what is left.

        ``seeds``: how many (0, 1, ...), or which. ``settings``: ``{"cnn.epochs": 3}``. Other
        options are those of ``plan_experiment``, such as ``image_size`` in pixels. Raises
        ``BadInput`` and ``UnknownName`` before anything is stored.
        """
        name = dataset if isinstance(dataset, str) else dataset.id
        chosen = range(seeds) if isinstance(seeds, int) else seeds
        spec = plan_experiment(
            name, strategies, preset, tuple(chosen), overrides=settings, **options
        )
        for strategy, reason in spec.unavailable.items():
            self.say(f"{strategy} is left out: {reason}")
        for warning in describe_overlap(spec.backbones, spec.images["test"]):
            self.say(warning)
        found = Experiment(self.store, self.store.create_experiment(spec))
        found.serve(self.say)
        return found

    def import_experiment(self, path: str | os.PathLike[str]) -> "Experiment":
        """Take in what ``Experiment.export`` wrote elsewhere. Raises ``BadInput``."""
        return Experiment(self.store, import_file(self.store, Path(path)))

    def advise(self, dataset: Dataset | str, image_size: int = IMAGE_SIZE) -> Advice:
        """What to run first on a dataset, and what that rests on: it is measured in a job, unless
        that was done before, and nothing is trained. ``image_size`` in pixels.

        ``core.analysis.words.first_choice`` says it in sentences. Raises ``BadInput`` where the
        dataset cannot be split or no backbone is on this machine.
        """
        known = open_dataset(dataset) if isinstance(dataset, str) else dataset
        facts = measure_facts(self.store, known, self.say, image_size)
        return gather(self.store, known, facts, list_datasets())

    def race(
        self,
        dataset: Dataset | str,
        minutes: int,
        strategies: Sequence[str] | Literal["all"] = "all",
        backbones: Sequence[str] | Literal["all"] | None = None,
        image_size: int = IMAGE_SIZE,
    ) -> Race:
        """Train strategies on a sixteenth, an eighth and a quarter of the training images for at
        most so many minutes; those that cannot win any more are dropped. Ctrl-C cancels it.

        ``remaining`` of the result are worth a full run; ``core.charts.race`` draws it. "all":
        those of every backbone that is here. Raises ``BadInput`` and ``UnknownName`` before
        anything is queued.
        """
        known = open_dataset(dataset) if isinstance(dataset, str) else dataset
        plan = plan_race(self.store, known, minutes, strategies, backbones, image_size)
        return run_race(self.store, plan, self.say)

    def add_backbone(self, run_id: str, name: str | None = None) -> str:
        """Make the network of a finished run a backbone; returns its name, which ``backbones=``
        takes.

        ``name``: None makes one of the dataset and the network. Raises ``BadInput`` where the run
        has no such network, or the name cannot be used.
        """
        chosen = request_backbone(self.store, run_id, name)
        wait_for(self.store, lambda: backbone_work(self.store, run_id, chosen), self.say)
        return chosen


@dataclass(frozen=True)
class Experiment:
    """One experiment; every method reads its present state from the store."""

    store: Store
    id: str

    @property
    def spec(self) -> ExperimentSpec:
        return self.store.experiment(self.id).spec

    @property
    def runs(self) -> list[RunRecord]:
        return self.store.runs(self.id)

    @property
    def charts(self) -> "Charts":
        return Charts(self.store, self.id)

    @property
    def labels(self) -> Labels:
        """Name, note, tags and whatever else people wrote on it."""
        return self.store.experiment(self.id).labels

    def label(self, **given: Any) -> Labels:
        """Write fields of ``Labels``: ``label(name="Birds", tags=["demo"], archived=True)``, also
        ``note``, ``slices``, ``pinned`` and ``reviewed``. Raises ``BadInput``."""
        for field in given:
            if field not in WRITTEN:
                raise UnknownName("label", field, WRITTEN)
        known = self.store.experiment(self.id).id
        return change_labels(self.store, known, getpass.getuser(), **given)

    def extend(
        self,
        strategies: Sequence[str] = (),
        seeds: Sequence[int] = (),
        backbones: Sequence[str] | None = None,
        say: Say = _print,
    ) -> None:
        """Train more of it on the same split; see ``plan_extension``. Returns when all have ended.

        Raises ``BadInput`` where the new runs could not be compared with the old ones.
        """
        known = self.store.experiment(self.id)
        spec = plan_extension(self.store, known, strategies, seeds, backbones)
        extend(self.store, self.id, spec)
        self.serve(say)

    def resume(self, say: Say = _print) -> None:
        """Start again what failed, was cancelled or interrupted; returns when all have ended."""
        for sentence in resume(self.store, self.id)[1]:
            say(sentence)
        self.serve(say)

    def serve(self, say: Say = _print) -> None:
        """Work through its runs that wait. Ctrl-C cancels what is left."""
        try:
            run_to_end(self.store, self.id, say)
        except KeyboardInterrupt:
            self.store.request_cancel_experiment(self.id)
            raise

    def export(self, path: str | os.PathLike[str], with_images: bool = False) -> Path:
        """Write it into one file for a colleague, whose Headstart imports it."""
        export_file(self.store, self.id, Path(path), with_images)
        return Path(path)

    def comparison(self) -> Comparison:
        """The strategies side by side; ``comparison().frame()`` is a table of them."""
        return compare_experiment(self.store, self.id)

    def predictions(self) -> ExperimentPredictions:
        """What every finished run predicted for every test image."""
        return load_evidence(self.store, self.id)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the HTML report, one file that needs nothing else."""
        write_bytes(Path(path), report_html(self.store, self.id))
        return Path(path)

    def tables(self, path: str | os.PathLike[str]) -> Path:
        """Write every table as CSV and JSON into one zip."""
        write_bytes(Path(path), export_zip_of_tables(self.store, self.id))
        return Path(path)


@dataclass(frozen=True)
class Charts:
    """The charts of one experiment: each an ``Exhibit`` with ``figure``, ``words``, ``frame``."""

    store: Store
    id: str

    def accuracy(self) -> Exhibit:
        """Test accuracy of each strategy with its interval, and the majority line."""
        evidence = load_evidence(self.store, self.id)
        if evidence.answers:
            return scores_chart(score_table(evidence))
        return scores_chart(accuracy_scores(compare_experiment(self.store, self.id)))

    def time(self) -> Exhibit:
        """Where the time of each strategy's run went."""
        return time_breakdown_chart(load_time_breakdown(self.store, self.id))

    def deployment(self) -> Exhibit:
        """What each trained network costs where it is used."""
        return deployment_chart(compare_experiment(self.store, self.id).finished_rows)

    def backbones(self) -> Exhibit:
        """Test accuracy by backbone and mode."""
        return backbone_matrix_chart(backbone_matrix(load_evidence(self.store, self.id)))

    def curves(self, metric: CurveMetric = "validation_accuracy") -> Exhibit:
        """Training curves of all runs."""
        return curve_chart(curves_of(self.store, self.store.runs(self.id)), metric)

    def confusion(self, strategy: str) -> Exhibit:
        """Which class was predicted for which, over all seeds. Raises ``UnknownName``."""
        return confusion_chart(confusion(load_evidence(self.store, self.id), strategy))

    def pairs(self) -> Exhibit:
        """Every pair of strategies: by how much one is ahead, and whether it may be luck."""
        return pairs_chart(all_pairs(load_evidence(self.store, self.id)))
