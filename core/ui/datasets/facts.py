"""What a dataset is, in a few lines: for its card in the list and the head of its own page."""

import streamlit as st

from core.datasets.dataset import Dataset, DatasetReading
from core.datasets.health.finding import Finding, size_summary, subset_counts_text
from core.errors import BadInput
from core.text import code_markdown, count_text, dimensions_text, escape_markdown, percent_text
from core.ui.frame import reads
from core.ui.frame.page import link_to

# The sections of a dataset's page, as they are called there and in the address bar.
HEALTH, IMAGES, RESULTS = "Health", "Images", "Results"
CLEAN_UP, MANAGE = "Clean up", "Manage"
# Sections in links of the first edition.
OLD_SECTIONS = {"Pictures": IMAGES}
CARD_IMAGES = 5
CARD_IMAGE_WIDTH = 72
# The word, icon and colour of each severity; the word says it to those who see no colour.
SEVERITY_LOOKS = {
    "problem": ("problem", ":material/error:", "red"),
    "warning": ("warning", ":material/warning:", "orange"),
    "note": ("note", ":material/info:", "blue"),
    "good": ("good", ":material/check_circle:", "green"),
}


def address_of(dataset: Dataset) -> str:
    """The name of a dataset in the address bar, which stays when the dataset is renamed."""
    return dataset.folder.name


def sizes_text(dataset: Dataset) -> str:
    """``28 × 28 pixels``, or ``12 × 20 to 500 × 375 pixels``: the smallest and the largest area."""
    sizes = size_summary(dataset)
    if sizes.smallest == sizes.largest:
        return f"{dimensions_text(sizes.smallest)} pixels"
    return f"{dimensions_text(sizes.smallest)} to {dimensions_text(sizes.largest)} pixels"


def images_text(dataset: Dataset) -> str:
    """``1,347 images in 16 classes, colour``."""
    return (
        f"{count_text(dataset.image_count, 'image')} in "
        f"{count_text(len(dataset.classes), 'class')}, "
        f"{'grey' if dataset.channels == 1 else 'colour'}"
    )


def majority_text(dataset: Dataset) -> str:
    """The majority class with its fraction, ready for Markdown."""
    return (
        f"Majority class: {escape_markdown(dataset.majority_class)}, "
        f"{percent_text(dataset.majority_fraction)} of the images"
    )


def show_severities(found: list[Finding]) -> None:
    """``2 problems``, ``1 warning``: a badge each; without any, a badge says so."""
    with st.container(horizontal=True, gap="xsmall"):
        for severity in ("problem", "warning"):
            count = sum(finding.severity == severity for finding in found)
            if count:
                word, icon, colour = SEVERITY_LOOKS[severity]
                st.badge(count_text(count, word), icon=icon, color=colour)  # type: ignore[arg-type]
        if not any(finding.severity in ("problem", "warning") for finding in found):
            _, icon, colour = SEVERITY_LOOKS["good"]
            st.badge("no problem found", icon=icon, color=colour)  # type: ignore[arg-type]


def draw_card_facts(dataset: Dataset) -> None:
    """The part of its card that is the same for everybody."""
    st.subheader(escape_markdown(dataset.name), anchor=False)
    show_severities(reads.findings(dataset))
    with st.container(horizontal=True, gap="xsmall"):
        for name, _, image in reads.class_images(dataset, CARD_IMAGES):
            st.image(image, width=CARD_IMAGE_WIDTH, alt=f"An image of the class {name}")
    st.markdown(f"{images_text(dataset)}  \n{sizes_text(dataset)}")
    st.caption(majority_text(dataset))


def show_head(dataset: Dataset) -> None:
    """Title, links, what the dataset is, and links to its versions."""
    st.title(escape_markdown(dataset.name))
    with st.container(horizontal=True):
        link_to("advice", "What to try on it", dataset=address_of(dataset))
        link_to("benchmark", "Benchmark it", dataset=address_of(dataset))
        link_to("datasets", "All datasets")
    lines = [f"**{images_text(dataset)}**, {sizes_text(dataset)}", majority_text(dataset)]
    subsets = subset_counts_text(dataset)
    if subsets:
        lines.append(f"Comes with a split: {subsets}")
    origin = [f"Added {dataset.created_at[:16].replace('T', ' ')} UTC"]
    if dataset.read_as:
        origin.append(f"read as {escape_markdown(dataset.read_as)}")
    if dataset.provenance:
        origin.append(escape_markdown(dataset.provenance))
    lines.append(" · ".join(origin))
    if dataset.reading is not None:
        lines.append(reading_text(dataset.reading))
    st.markdown("\n".join(f"- {line}" for line in lines))
    _show_versions(dataset)


def reading_text(reading: DatasetReading) -> str:
    """How the files were read, with the command that repeats it, ready for Markdown."""
    text = f"{escape_markdown(reading.title)}."
    if not reading.choice.options:
        return text
    command = f"python -m core datasets add PATH {reading.choice.options}"
    return f"{text} To repeat it: {code_markdown(command)}"


def _show_versions(dataset: Dataset) -> None:
    known = reads.datasets()
    origin = next((entry for entry in known if entry.id == dataset.version_of), None)
    for change in dataset.changes:
        st.caption(f":material/edit: {escape_markdown(change)}")
    with st.container(horizontal=True):
        if origin is not None:
            link_to(
                "datasets", f"Made from {escape_markdown(origin.name)}", dataset=address_of(origin)
            )
        elif dataset.version_of:
            st.caption("It was made from a dataset that was removed since.")
        for entry in known:
            if entry.version_of == dataset.id:
                link_to(
                    "datasets",
                    f"Later version: {escape_markdown(entry.name)}",
                    dataset=address_of(entry),
                )


def say_there_are_none() -> None:
    """Where a page needs a dataset and there is none."""
    st.info(
        "There are no datasets. Add your own images: a zip, a folder or a CSV is enough.",
        icon=":material/photo_library:",
    )
    link_to("datasets", "Add images")


def say_why_not(error: BadInput, dataset: Dataset) -> None:
    """What is wrong with what was asked of ``dataset``, and where it can be put right."""
    st.error(escape_markdown(error), icon=":material/error:")
    if error.field == "split":
        link_to(
            "datasets",
            "Leave a class out, or merge classes: Clean up",
            dataset=address_of(dataset),
            section=CLEAN_UP,
        )
