"""``backbones add RUN`` and ``backbones remove NAME``: a network trained here as a backbone."""

import argparse

from core.backbones.registry import find_backbone
from core.cli.output import EXIT_DONE, print_json, say
from core.experiments.own_backbones import backbone_work, remove_backbone, request_backbone
from core.experiments.recorded import prepare_store
from core.jobs.cached import wait_for


def add(arguments: argparse.Namespace) -> int:
    """Make the backbone in a job, as the page does."""
    store = prepare_store()
    name = request_backbone(store, arguments.run_id, arguments.name)
    wait_for(store, lambda: backbone_work(store, arguments.run_id, name), say)
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
