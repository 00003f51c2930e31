"""Clean up: choose what goes, see what would stay, make a new version. The old one stays."""

import streamlit as st

from core.datasets.dataset import Dataset
from core.datasets.health.finding import Finding
from core.datasets.storage import LONGEST_DATASET_NAME
from core.datasets.versions import ChangePreview, Changes, preview
from core.errors import BadInput
from core.text import count_text, escape_markdown
from core.ui.datasets.facts import CLEAN_UP, address_of
from core.ui.datasets.images import marked_images
from core.ui.frame import actions
from core.ui.frame.access import may_edit, show_viewer_note

# The label and the help of each switch, by its field of ``Changes``.
SWITCHES = {
    "drop_exact_duplicates": (
        "Leave out exact copies",
        "Of images with exactly the same pixels, one stays.",
    ),
    "drop_near_duplicates": (
        "Leave out near duplicates",
        "Of images that look the same (saved again, resized), one stays.",
    ),
    "drop_conflicts": (
        "Leave out images with two labels",
        "All of them go: nobody knows which label is right.",
    ),
    "drop_near_conflicts": (
        "Leave out look-alikes with two labels",
        "Images of different classes that look the same, though not pixel for pixel.",
    ),
    "drop_one_colour": (
        "Leave out images of one colour",
        "Black, white or another single colour: there is nothing to see in them.",
    ),
    "drop_leaks": ("Leave out training images that are also in test", "The test images stay."),
}
# The button of a finding, by the field of ``Changes`` that would settle it.
ACTION_LABELS = {name: label for name, (label, _) in SWITCHES.items()} | {
    "drop_classes": "Leave out a class",
    "merge_classes": "Merge classes",
    "drop_images": "Leave out these images",
}


def prepare_changes(dataset: Dataset, action: str, finding: Finding) -> None:
    """Open Clean up with what settles ``finding`` chosen (the callback of its button)."""
    st.query_params["section"] = CLEAN_UP
    if action in SWITCHES:
        st.session_state[_key(dataset, action)] = True
    elif action == "drop_classes":
        st.session_state[_key(dataset, action)] = list(finding.classes)
    elif action == "merge_classes":
        st.session_state[_key(dataset, "merged")] = list(finding.classes)
    else:
        marked_images(dataset).update(index for group in finding.image_groups for index in group)


def show_cleanup(dataset: Dataset) -> None:
    """The choices, what they would do, and the button that does it."""
    st.markdown(
        "Choose what to leave out and see what would stay. The new version is a dataset of its "
        "own; this one does not change."
    )
    left, right = st.columns([1, 1], gap="large")
    with left:
        changes = _choose_changes(dataset)
    with right:
        _show_preview(dataset, changes)


def _key(dataset: Dataset, name: str) -> str:
    return f"clean.{dataset.id}.{name}"


def _choose_changes(dataset: Dataset) -> Changes:
    switches = {
        name: st.toggle(label, key=_key(dataset, name), help=about, persist_state="page")
        for name, (label, about) in SWITCHES.items()
        if name != "drop_leaks" or dataset.predefined_subsets is not None
    }
    dropped = st.multiselect(
        "Leave out whole classes",
        dataset.classes,
        key=_key(dataset, "drop_classes"),
        placeholder="None",
        persist_state="page",
    )
    merged = st.multiselect(
        "Merge these classes",
        dataset.classes,
        key=_key(dataset, "merged"),
        placeholder="None",
        help="For classes that mean the same, such as cat and cats.",
        persist_state="page",
    )
    into = _choose_into(dataset) if merged else None
    if merged and not into:
        st.caption(":material/info: Choose the class that they become.")
    pairs = tuple((name, into) for name in merged if into and name != into)
    return Changes(
        **switches,
        drop_classes=tuple(dropped),
        merge_classes=pairs,
        drop_images=_choose_marked(dataset),
    )


def _choose_into(dataset: Dataset) -> str | None:
    return st.selectbox(
        "Into the class",
        dataset.classes,
        index=None,
        key=_key(dataset, "into"),
        placeholder="Choose one, or type a new name",
        accept_new_options=True,
        persist_state="page",
    )


def _choose_marked(dataset: Dataset) -> tuple[int, ...]:
    """The images that were marked one by one in the gallery."""
    marked = marked_images(dataset)
    with st.container(horizontal=True, vertical_alignment="center"):
        if not marked:
            st.caption("To leave out single images, open them under Images and mark them there.")
        else:
            st.caption(f"{count_text(len(marked), 'image')} marked one by one.")
            st.button("Unmark all", type="tertiary", on_click=marked.clear)
    return tuple(sorted(marked))


def _show_preview(dataset: Dataset, changes: Changes) -> None:
    if changes == Changes():
        st.info(
            "Nothing is chosen yet. What a new version would contain appears here.",
            icon=":material/touch_app:",
        )
        return
    try:
        outcome = preview(dataset, changes)
    except BadInput as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    with st.container(horizontal=True):
        st.metric("Images that stay", f"{outcome.images_kept:,}", border=True)
        st.metric("Images that go", f"{outcome.images_dropped:,}", border=True)
    if outcome.sentences:
        st.markdown("\n".join(f"- {escape_markdown(sentence)}" for sentence in outcome.sentences))
    _show_counts_after(dataset, outcome)
    if outcome.problem:
        st.error(escape_markdown(outcome.problem), icon=":material/error:")
        return
    name = st.text_input(
        "Name of the new version (optional)",
        key=_key(dataset, "name"),
        max_chars=LONGEST_DATASET_NAME,
        placeholder="the old name with a number",
    )
    if not outcome.sentences:
        st.caption(":material/info: This changes nothing: the dataset has no such images.")
    if st.button(
        "Make a new version",
        type="primary",
        icon=":material/content_copy:",
        disabled=not outcome.sentences or not may_edit(),
    ):
        _make(dataset, changes, name or None)
    show_viewer_note("make a new version")


def _show_counts_after(dataset: Dataset, outcome: ChangePreview) -> None:
    before, after = dataset.class_counts, outcome.class_counts
    names = [*before, *(name for name in after if name not in before)]
    changed = [name for name in names if before.get(name, 0) != after.get(name, 0)]
    if not changed:
        return
    with st.expander(
        f"{count_text(len(changed), 'class')} with changed counts", icon=":material/table:"
    ):
        st.dataframe(
            {
                "class": changed,
                "images now": [before.get(name, 0) for name in changed],
                "images after": [after.get(name, 0) for name in changed],
            },
            hide_index=True,
            key=_key(dataset, "counts"),
            alt="The classes whose number of images would change.",
        )


def _make(dataset: Dataset, changes: Changes, name: str | None) -> None:
    try:
        with st.spinner("Making the new version…"):
            made = actions.make_version(dataset, changes, name)
    except BadInput as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return
    marked_images(dataset).clear()
    st.query_params.from_dict({"dataset": address_of(made)})
    st.rerun()
