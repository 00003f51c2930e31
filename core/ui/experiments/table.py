"""All experiments: filters, and one table of those that fit."""

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.listing import ListedResult
from core.analysis.words.datasets import HELPED
from core.errors import HeadstartError
from core.experiments.records import ExperimentRecord
from core.strategies.registry import STRATEGIES
from core.text import count_text, seconds_text, size_text
from core.ui.experiments.chosen import offer_interrupted, show_chosen, show_removed
from core.ui.experiments.listed import listed, make_missing
from core.ui.experiments.sharing import show_import
from core.ui.frame import reads
from core.ui.frame.access import visitor
from core.ui.frame.address import Choice, choose_in_list, remember
from core.ui.frame.drawing import digest_of
from core.ui.widgets.tiles import page_number, turn_page

ROWS_ON_A_PAGE = 50
# Pixels: two filters stand side by side on a telephone of 390, the search is as wide as both.
FILTER_WIDTH, SEARCH_WIDTH = 171, 358
ANY = "any"
STATES = {
    ANY: "Any state",
    "finished": "Finished",
    "active": "At work",
    "incomplete": "Not finished",
}
SOURCES = {ANY: "Own and recorded", "own": "Own", "recorded": "Recorded"}
SHELVES = {"": "Not archived", "archived": "Archived", "all": "All"}
MINE = "mine"
OWNERS = {ANY: "Anybody's", MINE: "Mine"}
# Pixels of the table: its head and one row. More rows than these scroll inside it.
HEAD_HEIGHT, ROW_HEIGHT, MOST_ROWS_IN_SIGHT = 37, 40, 15
COLUMN_HELP = {
    "backbones": "The pre-trained networks whose strategies are in it, those from scratch too.",
    "best (%)": "Test accuracy of the best strategy: mean over its seeds.",
    "interval (%)": "95 % Wilson interval of that accuracy.",
    "over majority (points)": "How far the best is above always predicting the commonest class.",
    "pre-training helps": "The chosen pre-trained strategy against the best from scratch: yes or "
    "no where the test tells them apart, else cannot tell.",
    "gain (points)": "Of that pair: how far the pre-trained one is ahead.",
    "cheapest as good": "The quickest strategy that cannot be told apart from the best, and that "
    "is clearly better than the majority class; with the time of one run.",
    "owner": "Who started it. Those from the command line, and older ones, have none.",
    "reviewed": "Who stands behind it, and since when; empty: a draft.",
    "time": "Of all runs together, as they were when they ran.",
    "size": "Predictions and trained weights on this machine.",
}


@dataclass(frozen=True)
class Entry:
    experiment: ExperimentRecord
    result: ListedResult | None

    @property
    def state(self) -> str:
        if self.experiment.is_active:
            return "active"
        counts = self.experiment.state_counts
        return "finished" if counts.get("finished") == sum(counts.values()) else "incomplete"

    @cached_property
    def words(self) -> str:
        """What the search looks at, in small letters."""
        spec, labels = self.experiment.spec, self.experiment.labels
        titles = (f"{name} {title_of(name)}" for name, _ in spec.strategies)
        parts = (self.experiment.id, labels.name, labels.note, *labels.tags, spec.dataset_name)
        parts += (labels.owner,)
        return " ".join((*parts, *titles, spec.preset, f"{spec.image_size} px")).casefold()


@dataclass(frozen=True)
class Listing:
    """All experiments, the newest first, until something is committed; ``missing``: the marks of
    those whose results are still to be read. ``datasets``, ``presets``, ``devices``, ``tags``: what
    there is."""

    entries: tuple[Entry, ...]
    missing: Mapping[str, str]
    datasets: tuple[str, ...]
    presets: tuple[str, ...]
    devices: tuple[str, ...]
    tags: tuple[str, ...]


def _by_gain(entry: Entry) -> float:
    """The largest first; what has no gain, or no result, comes last."""
    gain = entry.result.difference if entry.result else None
    return math.inf if gain is None else -gain


SORTS: Mapping[str, tuple[str, Callable[[Entry], Any]]] = {
    "newest": ("Newest first", lambda _entry: 0),
    "accuracy": ("Best accuracy", lambda entry: -entry.result.accuracy if entry.result else 1),
    "gain": ("Largest gain", _by_gain),
    "time": ("Longest time", lambda entry: -entry.result.seconds if entry.result else 1),
    "size": ("Largest on disk", lambda entry: -entry.result.size_bytes if entry.result else 1),
    "name": ("Name", lambda entry: entry.experiment.labels.name.casefold() or "\uffff"),
}


def show_experiments(experiments: Sequence[ExperimentRecord]) -> None:
    """The page below its title; ``experiments``: all, the newest first."""
    listing = reads.store().unless_changed("listing", lambda: _listing(experiments))
    entries = listing.entries
    email = visitor().email
    found = _filtered(listing, email)
    st.caption(
        f"{count_text(len(found), 'experiment')} of {len(entries):,}"
        if len(found) < len(entries)
        else count_text(len(entries), "experiment")
    )
    offer_interrupted([entry.experiment for entry in found])
    pages = max(1, -(-len(found) // ROWS_ON_A_PAGE))
    page = page_number(pages)
    shown = found[(page - 1) * ROWS_ON_A_PAGE : page * ROWS_ON_A_PAGE]
    if shown:
        # Above the table, so that it is seen however long that is.
        actions = st.container()
        chosen = _show_table(shown, has_owners=email is not None)
        turn_page(pages, page)
        with actions:
            show_chosen(chosen)
    else:
        st.info("No experiment is like that. Take a filter away.", icon=":material/filter_alt_off:")
    show_import()
    show_removed()
    make_missing(listing.missing)


def _listing(experiments: Sequence[ExperimentRecord]) -> Listing:
    found, missing = listed(experiments)
    specs = [each.spec for each in experiments]
    return Listing(
        entries=tuple(Entry(*one) for one in found),
        missing=missing,
        datasets=tuple(sorted({spec.dataset_name for spec in specs}, key=str.casefold)),
        presets=tuple(sorted({spec.preset for spec in specs})),
        devices=tuple(sorted({result.device for _, result in found if result})),
        tags=tuple(sorted({tag for each in experiments for tag in each.labels.tags})),
    )


# The filters --------------------------------------------------------------------------------------


def _filtered(listing: Listing, email: str | None) -> list[Entry]:
    """``email``: of who is signed in."""
    tags = listing.tags
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = _search().casefold().split()
        dataset = _choose("dataset", "Dataset", {ANY: "All datasets"} | _same(listing.datasets))
        preset = _choose("preset", "Preset", {ANY: "All presets"} | _same(listing.presets))
        state = _choose("state", "State", STATES)
        source = _choose("source", "Made where", SOURCES)
        devices = {ANY: "All devices"} | _same(listing.devices)
        # Where all were made on one there is nothing to choose, unless a link names another.
        device = (
            _choose("device", "Device", devices)
            if len(listing.devices) > 1 or "device" in st.query_params
            else ANY
        )
        tag = _choose("tag", "Tag", {ANY: "All tags"} | _same(tags)) if tags else ANY
        owner = _choose("owner", "Started by", OWNERS) if email else ANY
        shelf = _choose("shelf", "Archive", SHELVES)
        order = _choose("sort", "Order", {name: title for name, (title, _) in SORTS.items()})

    def fits(entry: Entry) -> bool:
        experiment = entry.experiment
        return (
            dataset in (ANY, experiment.spec.dataset_name)
            and preset in (ANY, experiment.spec.preset)
            and state in (ANY, entry.state)
            and source in (ANY, "recorded" if experiment.recorded else "own")
            and (device == ANY or (entry.result is not None and entry.result.device == device))
            and (tag == ANY or tag in experiment.labels.tags)
            and (owner == ANY or experiment.labels.owner == email)
            and (shelf == "all" or experiment.labels.archived == (shelf == "archived"))
            and (not words or all(word in entry.words for word in words))
        )

    kept = sorted(filter(fits, listing.entries), key=SORTS[order][1])
    return sorted(kept, key=lambda entry: not entry.experiment.labels.pinned)


def _search() -> str:
    key = "address.words"
    st.session_state[key] = st.query_params.get("words", "")
    return st.text_input(
        "Search",
        key=key,
        placeholder="Name, dataset, backbone, tag …",
        on_change=lambda: remember(words=st.session_state[key], page=None),
        width=SEARCH_WIDTH,
    )


def _choose(name: str, label: str, options: Mapping[str, str]) -> str:
    return choose_in_list(
        Choice(name, label, label.lower(), options, next(iter(options))), FILTER_WIDTH
    )


def _same(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}


# The table ----------------------------------------------------------------------------------------


def _show_table(entries: Sequence[Entry], has_owners: bool) -> list[ExperimentRecord]:
    """Returns the experiments whose rows are chosen."""
    frame = pd.DataFrame([_row(entry) for entry in entries])
    if not has_owners:
        frame = frame.drop(columns="owner")
    number = st.column_config.NumberColumn
    config: dict[str, Any] = {
        name: st.column_config.Column(help=COLUMN_HELP.get(name)) for name in frame.columns
    }
    for name in ("best (%)", "over majority (points)", "gain (points)"):
        config[name] = number(help=COLUMN_HELP[name], format="%.1f")
    config[""] = st.column_config.ImageColumn(width="small")
    config["name"] = st.column_config.Column(width="medium")
    chosen = st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="",
        row_height=ROW_HEIGHT,
        height=HEAD_HEIGHT + ROW_HEIGHT * min(len(frame), MOST_ROWS_IN_SIGHT),
        on_select="rerun",
        selection_mode="multi-row",
        # Other rows are another table: what was chosen by its place must not become another one.
        key=f"experiments.{digest_of(*(entry.experiment.id for entry in entries))}",
        alt="One line for each experiment; choose lines to compare, name or archive them.",
    )
    return [entries[row].experiment for row in chosen.selection.rows if row < len(entries)]


def _row(entry: Entry) -> dict[str, Any]:
    experiment, result = entry.experiment, entry.result
    spec, labels = experiment.spec, experiment.labels
    named = f"📌 {labels.name}" if labels.pinned else labels.name
    states = {"active": "at work", "incomplete": "not finished", "finished": "finished"}
    row: dict[str, Any] = {
        "": _thumbnail(spec.dataset_id),
        "name": named or experiment.id,
        "dataset": spec.dataset_name,
        "backbones": ", ".join(_backbones(experiment)),
        "date": experiment.created_at[:16].replace("T", " "),
        "best strategy": result.best if result else None,
        "best (%)": 100 * result.accuracy if result else None,
        "interval (%)": f"{100 * result.low:.1f} to {100 * result.high:.1f}" if result else None,
        "over majority (points)": 100 * result.gain if result else None,
        "pre-training helps": HELPED[result.outcome] if result else None,
        "gain (points)": 100 * result.difference
        if result and result.difference is not None
        else None,
        "cheapest as good": _cheapest(result) if result else None,
        "strategies": len(spec.strategies),
        "seeds": len(spec.seeds),
        "size (px)": spec.image_size,
        "preset": spec.preset,
        "state": states[entry.state],
        "owner": labels.owner,
        "made": "recorded" if experiment.recorded else "here",
        "reviewed": labels.review or None,
        "tags": list(labels.tags),
        "time": seconds_text(result.seconds) if result else None,
        "size": size_text(result.size_bytes) if result else None,
        "device": result.device if result else None,
        "id": experiment.id,
    }
    return row


def _backbones(experiment: ExperimentRecord) -> list[str]:
    """Titles, those of the cheap strategies first; a strategy that this edition lacks has none."""
    known = (STRATEGIES.get(name) for name, _ in experiment.spec.strategies)
    return list(dict.fromkeys(one.backbone.title for one in known if one and one.backbone))


def _cheapest(result: ListedResult) -> str | None:
    if result.cheapest is None or result.cheapest_seconds is None:
        return result.cheapest
    return f"{result.cheapest}, {seconds_text(result.cheapest_seconds)}"


def _thumbnail(dataset_id: str) -> str | None:
    """The first image of its largest class as a data address; None where it is not here."""
    try:
        return _found_thumbnail(dataset_id)
    except HeadstartError:  # not remembered: the images may come later
        return None


@st.cache_data(max_entries=512, ttl=3600, show_spinner=False)
def _found_thumbnail(dataset_id: str) -> str | None:
    images = reads.class_images(reads.dataset(dataset_id), 1)
    return f"data:image/png;base64,{base64.b64encode(images[0][2]).decode()}" if images else None
