"""The arguments of all verbs. What a verb does is imported when it is called: ``--help`` and the
light verbs start fast."""

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.datasets.choices import DEFAULT_TEST_FRACTION, DEFAULT_VALIDATION_FRACTION, RESIZES
from core.settings import PRECISIONS
from core.text import list_text

Handler = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="headstart" if Path(sys.argv[0]).stem == "headstart" else "python -m core",
        description="How much of a head start does a pre-trained model give for your images, "
        "and what does it cost?",
    )
    verbs = root.add_subparsers(required=True, metavar="VERB")
    _add_datasets(verbs)
    _add_strategies(verbs)
    _add_backbones(verbs)
    _add_run(verbs)
    _add_experiments(verbs)
    _add_runs(verbs)
    _add_compare(verbs)
    _add_worker(verbs)
    return root


def handler(path: str) -> Handler:
    """The function at ``"module:function"`` of this package, imported when it is called."""
    module, function = path.split(":")

    def call(arguments: argparse.Namespace) -> int:
        return getattr(importlib.import_module(f"core.cli.{module}"), function)(arguments)

    return call


def _verb(
    group: Any, name: str, does: str, calls: str, json: bool = True, old_name: str | None = None
) -> Any:
    verb = group.add_parser(
        name,
        aliases=[old_name] if old_name else [],
        help=does,
        description=does[0].upper() + does[1:] + ".",
    )
    verb.set_defaults(run=handler(calls))
    if json:
        verb.add_argument("--json", action="store_true", help="print the result as JSON")
    return verb


def _group(verbs: Any, name: str, about: str) -> Any:
    group = verbs.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
    return group.add_subparsers(required=True, metavar="ACTION")


def _add_datasets(verbs: Any) -> None:
    group = _group(verbs, "datasets", "list, add, check, clean up, export and remove datasets")
    _verb(group, "list", "list the datasets", "datasets:list_all")
    add = _verb(group, "add", "add a folder, a zip, a table of pixels or IDX files",
                "datasets:add")  # fmt: skip
    add.add_argument("path", type=Path, metavar="PATH")
    add.add_argument("--name", help="its name (default: that of the folder or file)")
    for column, holds in (
        ("file", "names the pictures"),
        ("label", "holds the classes"),
        ("split", "says train, validation or test"),
    ):
        add.add_argument(
            f"--{column}-column", metavar="NAME", help=f"the column of a table that {holds}"
        )
    show = _verb(group, "show", "show one dataset: classes, what was found, what to do",
                 "datasets:show")  # fmt: skip
    rename = _verb(group, "rename", "give a dataset another name", "datasets:rename")
    export = _verb(group, "export", "write the images into a zip", "datasets:export")
    version = _verb(group, "version", "make a cleaned version; the old one stays",
                    "datasets:version")  # fmt: skip
    remove = _verb(group, "remove", "remove a dataset", "datasets:remove")
    for verb in (show, rename, export, version, remove):
        verb.add_argument("name", metavar="NAME", help="name or id")
    rename.add_argument("new_name", metavar="NEW", help="its new name")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: NAME.zip, here")
    version.add_argument("--drop", default="", metavar="A,B",
                         help="exact-duplicates, near-duplicates, conflicts, "
                         "near-conflicts, leaks, one-colour")  # fmt: skip
    version.add_argument("--drop-class", action="append", default=[], metavar="CLASS",
                         help="leave a class out; may be given again")  # fmt: skip
    version.add_argument("--merge", action="append", default=[], metavar="FROM=INTO",
                         help="count one class as another; may be given again")  # fmt: skip
    version.add_argument("--name", dest="new_name", help="its name (default: NAME, version 2)")


def _add_strategies(verbs: Any) -> None:
    _verb(verbs, "strategies", "show the ladder, with settings", "strategies:show_all")


def _add_backbones(verbs: Any) -> None:
    group = _group(verbs, "backbones", "pre-trained networks and their weights")
    _verb(group, "list", "what each is: accuracy, size, licence", "backbones:list_all")
    _verb(group, "status", "what is there, from where, since when", "backbones:status")
    fetch = _verb(group, "fetch", "get the weights from the first source that has them",
                  "backbones:fetch")  # fmt: skip
    fetch.add_argument("names", nargs="*", metavar="NAME", help="a backbone (default: all)")
    fetch.add_argument("--include-top", action="store_true",
                       help="with the layers above the last feature map")  # fmt: skip
    fetch.set_defaults(as_list=True)
    group = _group(verbs, "weights", "the weights of the tutorial's backbone; see backbones")
    _verb(group, "status", "what is there, from where, since when", "backbones:status")
    fetch = _verb(group, "fetch", "get the weights from the first source that has them",
                  "backbones:fetch")  # fmt: skip
    fetch.add_argument("--full", action="store_true", dest="include_top",
                       help="with the layers above the last feature map (528 MB)")  # fmt: skip
    fetch.set_defaults(as_list=False, names=[])


def _add_run(verbs: Any) -> None:
    run = _verb(verbs, "run", "run an experiment and compare its strategies", "run:run")
    run.add_argument("dataset", metavar="DATASET", help="name or id of a dataset")
    run.add_argument("--strategies", default="all", metavar="A,B", help="names, or all")
    run.add_argument("--preset", default="quick", help="quick (default) or article")
    run.add_argument("--seeds", default="0", metavar="0,1,2")
    run.add_argument("--image-size", metavar="N", help="side in pixels (default: the preset's)")
    run.add_argument("--set", action="append", default=[], metavar="STRATEGY.SETTING=VALUE",
                     dest="overrides", help="override a setting; may be given again")  # fmt: skip
    run.add_argument("--resize", help=f"{list_text(RESIZES, last='or')} (default {RESIZES[0]})")
    run.add_argument("--split-seed", metavar="N", help="which split (default 0)")
    run.add_argument(
        "--test-fraction",
        metavar="X",
        help=f"fraction held out (default {DEFAULT_TEST_FRACTION:g})",
    )
    run.add_argument("--validation-fraction", metavar="X",
                     help=f"default {DEFAULT_VALIDATION_FRACTION:g}")  # fmt: skip
    # The second name of these two is that of the first edition.
    run.add_argument("--train-fraction", "--train-share", metavar="X", dest="train_share",
                     help="fraction of the training images that is used (default 1)")  # fmt: skip
    run.add_argument("--learning-curve", action="store_true",
                     help="train on ever more of the images: how much data helps?")  # fmt: skip
    run.add_argument("--fractions", "--shares", metavar="0.05,0.1,...",
                     help="those of a learning curve (default 0.05,0.1,0.25,0.5,1)")  # fmt: skip
    run.add_argument("--own-split", action="store_true",
                     help="split the images anew where the dataset came with a split")  # fmt: skip
    run.add_argument("--precision", default="auto",
                     help=list_text(PRECISIONS, last='or'))  # fmt: skip
    run.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="when all runs finished, export the experiment into FOLDER",
    )


def _add_experiments(verbs: Any) -> None:
    group = _group(verbs, "experiments", "what was run so far")
    _verb(group, "list", "list the experiments, the newest first", "experiments:list_all")
    show = _verb(group, "show", "show one experiment and its runs", "experiments:show")
    show.add_argument("id", metavar="ID")
    export = _verb(group, "export", "write a finished experiment into a folder",
                   "experiments:export")  # fmt: skip
    export.add_argument("id", metavar="ID")
    export.add_argument("--output", type=Path, required=True, metavar="FOLDER")


def _add_runs(verbs: Any) -> None:
    group = _group(verbs, "runs", "single runs: state, cancel, retry, export the model")
    listing = _verb(group, "list", "list the runs", "runs:list_all")
    listing.add_argument("--experiment", metavar="ID", help="of this experiment alone")
    listing.add_argument("--state", help="in this state alone")
    for name, does in (
        ("show", "show one run with its epochs"),
        ("cancel", "ask a run to stop"),
        ("retry", "queue a failed, cancelled or interrupted run again"),
    ):
        verb = _verb(group, name, does, f"runs:{name}")
        verb.add_argument("id", metavar="ID")
    export = _verb(group, "export", "write a run's trained network with its model card as a zip",
                   "runs:export", old_name="keep")  # fmt: skip
    export.add_argument("id", metavar="ID")
    export.add_argument("--output", type=Path, required=True, metavar="FILE", help="the zip")


def _add_compare(verbs: Any) -> None:
    compare = _verb(verbs, "compare", "lay the strategies of an experiment side by side",
                    "experiments:compare")  # fmt: skip
    compare.add_argument("id", metavar="ID")
    compare.add_argument(
        "--format",
        choices=("table", "csv", "json", "html", "zip"),
        default="table",
        help="html: the report, one file; zip: every table as CSV and JSON (needs --output)",
    )
    compare.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")


def _add_worker(verbs: Any) -> None:
    worker = _verb(verbs, "worker", "serve the queue of jobs", "worker:worker", json=False)
    worker.add_argument("--exit-when-idle", type=float, metavar="SECONDS",
                        help="end after this long with nothing to do")  # fmt: skip
    worker.add_argument("--worker-id", help=argparse.SUPPRESS)
