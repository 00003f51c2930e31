"""What can be done with the rows that are chosen: open, compare, name, archive, remove."""

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.analysis.several import MOST_EXPERIMENTS
from core.backbones.registry import BACKBONES
from core.experiments.labels import history
from core.experiments.records import ExperimentRecord
from core.experiments.removal import loss_of, removed_lately, why_kept
from core.jobs.records import RETRYABLE_STATES
from core.strategies.registry import STRATEGIES, offered_strategies
from core.text import count_text, escape_markdown, size_text
from core.ui.experiments.sharing import offer_export
from core.ui.frame import actions, reads
from core.ui.frame.access import editor_help, may_edit, show_viewer_note
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to
from core.ui.widgets.results import experiment_label, show_note

WHERE_ARCHIVED = "The filter Archive says which are shown."
WHERE_REMOVED = "For an hour they can be taken back, below the table."
NOTE_HELP = (
    "Markdown. HTML, images and links to anything but web pages are shown as they are typed. "
    "Compare shows it, and so does the report."
)
INTERRUPTED = "interrupted"
# Pixels, those of a button: the table must not move when the first row is chosen.
LINE_HEIGHT = 40


def show_chosen(chosen: Sequence[ExperimentRecord]) -> None:
    """One line, in which all is that can be done with them."""
    if not chosen:
        with st.container(height=LINE_HEIGHT, border=False, vertical_alignment="center"):
            st.caption("Choose rows at their left edge; Shift takes a range.")
        return
    ids = [experiment.id for experiment in chosen]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        if len(ids) == 1:
            link_to("compare", "Open", experiment=ids[0])
            if chosen[0].is_active:
                link_to("benchmark", "Watch it", experiment=ids[0])
            link_to("start", "Its story", experiment=ids[0])
            link_to("benchmark", "Repeat with changes", repeat=ids[0])
            offer_export(chosen[0])
            if st.button("Name …", help="Name, tags, note, and who changed them."):
                _show_labels(chosen[0])
            if st.button("Add seeds …", disabled=not may_edit(), help=editor_help()):
                _show_extension(chosen[0])
        elif len(ids) <= MOST_EXPERIMENTS:
            link_to(
                "compare",
                f"Compare these {len(ids)}",
                experiment=ids[0],
                view="several",
                several=",".join(ids),
            )
        else:
            st.caption(f"At most {MOST_EXPERIMENTS} can be compared at once.")
        _offer_resume(chosen)
        _offer_switch(chosen, "archived", "Archive", "Take out of the archive")
        _offer_switch(chosen, "pinned", "Pin", "Unpin")
        _offer_switch(chosen, "reviewed", "Mark as reviewed", "Back to draft")
        with st.popover("Remove …", disabled=not may_edit(), help=editor_help()):
            _offer_removal(chosen)


def _offer_resume(chosen: Sequence[ExperimentRecord]) -> None:
    """All runs that failed, were cancelled or interrupted, with one click."""
    if not any(one.state_counts.get(state) for one in chosen for state in RETRYABLE_STATES):
        return
    st.button(
        "Run what is missing",
        key="experiments.resume",
        icon=":material/restart_alt:",
        disabled=not may_edit(),
        help=editor_help(),
        on_click=_resume,
        args=([experiment.id for experiment in chosen], RETRYABLE_STATES),
    )


def offer_interrupted(experiments: Sequence[ExperimentRecord]) -> None:
    """All runs that a lost worker left, with one click; those that somebody cancelled stay."""
    counts = {one.id: one.state_counts.get(INTERRUPTED, 0) for one in experiments}
    ids = [experiment_id for experiment_id, count in counts.items() if count]
    if not ids:
        return
    st.button(
        f"Start {count_text(sum(counts.values()), 'interrupted run')} again",
        key="experiments.interrupted",
        icon=":material/restart_alt:",
        disabled=not may_edit(),
        help=editor_help(),
        on_click=_resume,
        args=(ids, (INTERRUPTED,)),
    )


def _resume(experiment_ids: Sequence[str], states: Collection[str]) -> None:
    with error_box():
        for sentence in actions.resume_experiments(experiment_ids, states):
            st.warning(escape_markdown(sentence), icon=":material/error:")
    with error_box():  # also for those that were queued before something went wrong
        reads.wake_worker()


def _offer_removal(chosen: Sequence[ExperimentRecord]) -> None:
    """What is lost, and the button that does it; or why it cannot be removed."""
    reasons = [reason for reason in map(why_kept, chosen) if reason]
    if reasons:
        st.markdown("\n\n".join(map(escape_markdown, reasons)))
        return
    loss = loss_of(chosen, reads.store())
    st.markdown(
        f"Remove {count_text(loss.experiments, 'experiment')} with "
        f"{count_text(loss.runs, 'run')} and {size_text(loss.size_bytes)} of predictions and "
        "weights? For an hour you can take it back; then they are deleted."
    )
    st.button(
        "Remove",
        key="experiments.remove",
        type="primary",
        on_click=_remove,
        args=([experiment.id for experiment in chosen],),
    )
    st.markdown(
        f"Or drop the trained weights alone, {size_text(loss.weights_bytes)}: results and "
        "comparisons stay, but these networks can no longer be tried, exported or looked into."
    )
    st.button(
        "Drop weights",
        key="experiments.drop",
        on_click=_drop_weights,
        args=([experiment.id for experiment in chosen],),
    )


def _remove(experiment_ids: Sequence[str]) -> None:
    with error_box():
        actions.remove_experiments(experiment_ids)
        st.toast(f"Removed: {count_text(len(experiment_ids), 'experiment')}. {WHERE_REMOVED}")


def _drop_weights(experiment_ids: Sequence[str]) -> None:
    with error_box():
        actions.drop_weights(experiment_ids)


def show_removed() -> None:
    """Those that can still be taken back."""
    removed = removed_lately(reads.store())
    if not removed or not may_edit():
        return
    with st.expander(f"Removed within the hour: {len(removed):,}", icon=":material/delete:"):
        for experiment in removed:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(escape_markdown(experiment_label(experiment)))
                st.button(
                    "Take back",
                    key=f"experiments.undo.{experiment.id}",
                    on_click=_undo,
                    args=(experiment.id,),
                )


def _undo(experiment_id: str) -> None:
    with error_box():
        actions.undo_removal(experiment_id)


def _offer_switch(chosen: Sequence[ExperimentRecord], field: str, on: str, off: str) -> None:
    is_on = all(getattr(experiment.labels, field) for experiment in chosen)
    st.button(
        off if is_on else on,
        key=f"experiments.{field}",
        disabled=not may_edit(),
        help=editor_help(),
        on_click=_label,
        args=([experiment.id for experiment in chosen],),
        kwargs={field: not is_on},
    )


def _label(experiment_ids: Sequence[str], **given: Any) -> None:
    with error_box():
        actions.label_experiments(experiment_ids, **given)
        if "archived" in given:  # their rows are gone from the table that was looked at
            moved = "Archived" if given["archived"] else "Taken out of the archive"
            st.toast(f"{moved}: {count_text(len(experiment_ids), 'experiment')}. {WHERE_ARCHIVED}")


@st.dialog("Name, tags and note")
def _show_labels(experiment: ExperimentRecord) -> None:
    """Of one, to read and, for editors, to write; below them who changed it."""
    labels = experiment.labels
    if not may_edit():
        show_note(labels.note)
        show_viewer_note("name experiments")
    else:
        with st.form(f"experiments.labels.{experiment.id}", border=False):
            name = st.text_input("Name", labels.name, max_chars=80)
            tags = st.multiselect(
                "Tags",
                sorted(labels.tags),
                default=sorted(labels.tags),
                accept_new_options=True,
                placeholder="Type one, then Enter",
            )
            note = st.text_area("Note", labels.note, max_chars=10_000, help=NOTE_HELP)
            if st.form_submit_button("Save", icon=":material/save:"):
                typed: dict[str, Any] = {"name": name, "tags": tags, "note": note}
                was = {"name": labels.name, "tags": sorted(labels.tags), "note": labels.note}
                # Only these: meanwhile somebody else may have changed another field.
                changed = {field: typed[field] for field in typed if typed[field] != was[field]}
                with error_box():
                    actions.label_experiments([experiment.id], **changed)
                    st.rerun()
    changes = history(reads.store(), experiment.id)
    if changes:
        with st.expander("Who changed it", icon=":material/history:"):
            st.table(
                pd.DataFrame(
                    {
                        "when": [one.changed_at[:16].replace("T", " ") for one in changes],
                        "who": [escape_markdown(one.changed_by) for one in changes],
                        "what": [one.field for one in changes],
                        "now": [escape_markdown(_shown(one.value)) for one in changes],
                    }
                ).set_index("when")
            )


@st.dialog("Add strategies, backbones or seeds")
def _show_extension(experiment: ExperimentRecord) -> None:
    """More strategies and seeds on the same split, scored on the same test images."""
    spec = experiment.spec
    there = {name for name, _ in spec.strategies}
    offered = [name for name in offered_strategies() if name not in there]
    with st.form(f"experiments.extend.{experiment.id}", border=False):
        st.caption(
            f"They run on the same split, {spec.image_size} × {spec.image_size} pixels, preset "
            f"{escape_markdown(spec.preset)}; Compare shows them with the others."
        )
        more = st.number_input(
            "More seeds", 0, 20, help=f"Of each strategy. It has {len(spec.seeds)}."
        )
        strategies = st.multiselect("More strategies", offered, format_func=title_of)
        backbones = st.multiselect(
            "More backbones",
            _other_backbones(there),
            format_func=lambda name: BACKBONES[name].title,
            help="Each in the modes that the experiment has of others.",
        )
        if st.form_submit_button("Run them", icon=":material/play_arrow:"):
            first = max(spec.seeds) + 1
            with error_box():
                new = range(first, first + more)
                actions.extend_experiment(experiment.id, strategies, new, backbones)
                reads.wake_worker()
                st.rerun()


def _other_backbones(there: Collection[str]) -> list[str]:
    """Names of those that can be chosen and that no strategy ``there`` is of."""
    known = (STRATEGIES[name].backbone for name in there if name in STRATEGIES)
    used = {one.name for one in known if one is not None}
    return [name for name, one in BACKBONES.items() if one.is_offered and name not in used]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one["name"] if isinstance(one, dict) else one) for one in value)
    return str(value)
