"""``backbones add RUN`` and ``backbones remove NAME``: a network trained here as a backbone."""

import argparse
import time

from core.backbones.registry import find_backbone
from core.cli.output import EXIT_DONE, print_json, say
from core.errors import HeadstartError
from core.experiments.own_backbones import backbone_work, remove_backbone, request_backbone
from core.experiments.recorded import prepare_store
from core.jobs.cached import make_again

POLL_SECONDS = 0.2


def add(arguments: argparse.Namespace) -> int:
    """Make the backbone in a job, as the page does."""
    store = prepare_store()
    name, work = request_backbone(store, arguments.run_id, arguments.name)
    if work.state in ("failed", "cancelled"):  # by an earlier request
        make_again(store, work)
        work = backbone_work(store, arguments.run_id, name)
    shown = ""
    while work.state == "working":
        if work.text != shown:
            say(shown := work.text)
        time.sleep(POLL_SECONDS)
        work = backbone_work(store, arguments.run_id, name)
    if work.state != "ready":
        raise HeadstartError(work.error)
    backbone = find_backbone(name)
    if arguments.json:
        print_json({"name": name, "title": backbone.title, "about": backbone.about})
    else:
        say(f"{name} is a backbone now: {backbone.title}. {backbone.about}")
        say(f"Use it with: python -m core run DATASET --backbones {name}")
    return EXIT_DONE


def remove(arguments: argparse.Namespace) -> int:
    used = remove_backbone(prepare_store(), arguments.name)
    if arguments.json:
        print_json({"name": arguments.name, "used_by_experiments": used})
    elif used:
        say(
            f"{arguments.name} was removed. The experiments that used it keep their results and "
            "its name."
        )
    else:
        say(f"{arguments.name} was removed")
    return EXIT_DONE
