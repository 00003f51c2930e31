"""Cached reads of the slices of one experiment, for Compare and for the end of the story."""

from typing import NamedTuple

from core.analysis.image_properties import kept_measurements
from core.analysis.slice_gains import SliceGains, slice_gains
from core.analysis.slices import Slicing, experiment_slices
from core.ui.frame import evidence_reads, reads
from core.ui.frame.evidence_reads import Subject, kept


class Known(NamedTuple):
    """What slices are made from: whether the dataset is here, whether its images were measured,
    and the slices that people named, each with its parts."""

    dataset: bool
    measured: bool
    own: tuple[tuple[str, tuple[str, ...]], ...]


def known_of(subject: Subject, has_dataset: bool) -> Known:
    own = tuple((one.name, one.parts) for one in subject.experiment.labels.slices)
    return Known(has_dataset, kept_measurements(subject.id) is not None, own)


def slicing_of(subject: Subject, known: Known) -> Slicing:
    def cut() -> Slicing:
        experiment = subject.experiment
        return experiment_slices(
            evidence_reads.evidence(subject),
            experiment,
            reads.dataset(experiment.spec.dataset_id) if known.dataset else None,
            kept_measurements(subject.id) if known.measured else None,
        )

    return kept(subject, ("slices", known), cut)


def gains_of(subject: Subject, known: Known, first: str, second: str) -> SliceGains:
    slices = slicing_of(subject, known).slices
    return kept(
        subject,
        ("slice gains", known, first, second),
        lambda: slice_gains(evidence_reads.evidence(subject), slices, first, second),
    )
