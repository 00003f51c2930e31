"""The question of an import: the readings side by side, and fields to say it oneself."""

import base64
from collections.abc import Callable

import streamlit as st

from core.datasets.reading.question import Offer, OfferedClass, Question, TableSample
from core.datasets.reading_choice import Choice
from core.text import count_text, escape_markdown, quoted_list_text

OFFERS_IN_A_ROW = 2
CLASSES_SHOWN = 4
THUMBNAIL_WIDTH = 56
# The columns that a person may choose, each with its label and what an empty field shows.
COLUMN_FIELDS = (
    ("label_column", "Class of each image", "Choose"),
    ("file_column", "File name of each image", "Found automatically"),
    ("split_column", "Train or test", "None, or found automatically"),
)

Answer = Callable[[Choice], None]


def show_question(question: Question, key: str, answer: Answer) -> None:
    """Draw the question; ``answer`` gets what the visitor chose. ``key`` keeps widgets apart."""
    for first in range(0, len(question.offers), OFFERS_IN_A_ROW):
        columns = st.columns(OFFERS_IN_A_ROW, gap="small")
        row = question.offers[first : first + OFFERS_IN_A_ROW]
        for place, (column, offer) in enumerate(zip(columns, row, strict=False), start=first):
            with column.container(border=True, height="stretch"):
                _show_offer(offer, f"{place}.{key}", answer)
    for table in question.tables:
        _ask_for_columns(table, key, answer)


def _show_offer(offer: Offer, key: str, answer: Answer) -> None:
    st.markdown(f"**{escape_markdown(offer.title)}**")
    about = "Among the first images: " if offer.is_sample else ""
    text = (
        f"{about}{count_text(offer.image_count, 'image')} in "
        f"{count_text(offer.class_count, 'class')}"
    )
    if offer.subsets:
        counted = ", ".join(f"{subset} {count:,}" for subset, count in offer.subsets.items())
        text += f" · split: {counted}"
    st.markdown(text)
    for entry in offer.classes[:CLASSES_SHOWN]:
        _show_class(entry)
    more = [entry.name for entry in offer.classes[CLASSES_SHOWN:]]
    if more:
        st.caption(f"More classes: {escape_markdown(quoted_list_text(more))}.")
    for sentence in [*([offer.doubt] if offer.doubt else []), *offer.left_out]:
        st.caption(f":material/info: {escape_markdown(sentence)}")
    st.button(
        "Read it this way",
        type="primary",
        icon=":material/check:",
        key=f"offer.{key}",
        on_click=answer,
        args=(offer.choice,),
    )


def _show_class(entry: OfferedClass) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for image in entry.images:
            alt = f"An image of the class {entry.name}"
            st.image(base64.b64decode(image), width=THUMBNAIL_WIDTH, alt=alt)
        st.markdown(f"{escape_markdown(entry.name)} · {entry.count:,}")


def _ask_for_columns(table: TableSample, key: str, answer: Answer) -> None:
    """The first lines of the table, and a field for each kind of column."""
    st.markdown(
        f"What do the columns of **{escape_markdown(table.name)}** hold? These are its first lines."
    )
    st.dataframe(
        {
            name: [row[place] if place < len(row) else "" for row in table.rows]
            for place, name in enumerate(table.columns)
        },
        hide_index=True,
        key=f"rows.{table.name}.{key}",
        alt=f"The first lines of {table.name}.",
    )
    chosen = {
        kind: place.selectbox(
            label,
            table.columns,
            index=None,
            key=f"{kind}.{table.name}.{key}",
            placeholder=placeholder,
        )
        for place, (kind, label, placeholder) in zip(
            st.columns(len(COLUMN_FIELDS), gap="medium"), COLUMN_FIELDS, strict=True
        )
    }
    st.button(
        "Read again",
        type="primary",
        icon=":material/refresh:",
        key=f"answer.{table.name}.{key}",
        disabled=chosen["label_column"] is None,
        on_click=answer,
        args=(Choice(**chosen),),
    )
