"""Times of one experiment compare where one kind of device took them: which runs had another.

Claims keep an experiment to one kind (``core.jobs.claims``), unless that was gone before all of its
runs were done.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from core.experiments.records import RunRecord


def marked(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """The runs, ``RunResult.other_device`` of those that ran elsewhere than most of their
    experiment filled in. Of equally many those of the device that has the first run stay."""
    found = list(runs)
    devices: dict[str, Counter[str]] = {}
    for run in found:
        if (device := _device_of(run)) is not None:
            devices.setdefault(run.experiment_id, Counter())[device] += 1
    several = {one: counts for one, counts in devices.items() if len(counts) > 1}
    if not several:
        return found
    usual = {one: counts.most_common(1)[0][0] for one, counts in several.items()}
    return [_marked(run, usual.get(run.experiment_id)) for run in found]


def _device_of(run: RunRecord) -> str | None:
    """None for a run that took no time on a device: it is not finished, or trained no network."""
    result = run.finished_result
    return result.device if result is not None and result.epochs else None


def _marked(run: RunRecord, usual: str | None) -> RunRecord:
    if run.result is None or usual is None or _device_of(run) in (None, usual):
        return run
    return replace(run, result=replace(run.result, other_device=usual))
