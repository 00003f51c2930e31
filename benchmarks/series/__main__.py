"""Make the recorded series: many datasets, trained on ever more images, into one file of results.

    python -m benchmarks.series --list
    python -m benchmarks.series --packages DIR [--datasets a,b] [--strategies a,b] [--minutes 85]
    python -m benchmarks.series --grade

DIR has the files of packages that somebody downloaded before; ``--list`` says which. Datasets go
into HEADSTART_HOME. The file is written after each training: started again, the command goes on
where it was, and ``--minutes`` ends it between two trainings. Each dataset is trained in a process
of its own, so that memory is given back. Times count on a quiet machine alone. At the end, and with
``--grade``, it is told, and kept in a file beside it, how good forecasts are on it: each dataset is
forecast from datasets of other sources.
"""

import argparse
import multiprocessing
import sys
import time
from pathlib import Path

from benchmarks.series.datasets import RECIPES
from benchmarks.series.making import work
from benchmarks.series.packages import Downloads
from core.analysis.advice.replay import replayed, write_replay
from core.analysis.advice.series import SERIES_FILE, read_series
from core.analysis.words.grades import describe_replay
from core.errors import BadInput
from core.strategies.registry import find_strategy

STRATEGIES = (
    "majority,mlp,cnn,squeezenet_probe,efficientnet_lite0_probe,vgg16_probe,"
    "efficientnet_lite0_dense,squeezenet_finetune,efficientnet_lite0_finetune,vgg16_freeze"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--list", action="store_true", help="the datasets and their packages")
    parser.add_argument("--grade", action="store_true", help="forecast the file by replay")
    parser.add_argument("--packages", type=Path, default=Path(), help="where their files are")
    parser.add_argument("--datasets", help="names; default: all")
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("--minutes", type=float, help="begin no training after so many")
    parser.add_argument("--output", type=Path, default=SERIES_FILE)
    options = parser.parse_args()
    try:
        if options.list:
            _list()
        elif options.grade:
            _grade(options.output)
        else:
            _make(options)
    except (BadInput, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _list() -> None:
    for recipe in RECIPES:
        print(f"{recipe.name}: {recipe.made} {recipe.licence}.")
        for package in recipe.packages:
            print(f"    {package.command}")


def _make(options: argparse.Namespace) -> None:
    wanted = None if options.datasets is None else options.datasets.split(",")
    recipes = [one for one in RECIPES if wanted is None or one.name in wanted]
    unknown = set(wanted or ()) - {one.name for one in recipes}
    if unknown:
        raise BadInput(f"There is no dataset {', '.join(sorted(unknown))}; --list names them.")
    strategies = options.strategies.split(",")
    for name in strategies:
        find_strategy(name)
    downloads = Downloads(options.packages)
    downloads.check([package for one in recipes for package in one.packages])
    end = None if options.minutes is None else time.time() + 60 * options.minutes
    # Not forked: the libraries of a training do not survive it.
    context = multiprocessing.get_context("spawn")
    for recipe in recipes:
        process = context.Process(
            target=work, args=(recipe.name, downloads, strategies, options.output, end)
        )
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"{recipe.name} ended with {process.exitcode}; start again to go on.")
        if end is not None and time.time() >= end:
            print("The time is over; start again to go on.")
            return
    _grade(options.output)


def _grade(output: Path) -> None:
    """Forecast the file by replay, and keep the grades beside it: ``series_grades.json``."""
    replay = replayed(read_series(output))
    write_replay(replay, output.with_name(f"{output.stem}_grades.json"))
    for line in describe_replay(replay):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
