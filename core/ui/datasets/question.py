"""The question of an import: the readings side by side, and fields to say it oneself."""

import base64
from collections.abc import Callable

import streamlit as st
from pydantic import ValidationError

from core.datasets.choices import SUBSETS, SeveralLabels
from core.datasets.reading.question import (
    CLASSES_WITH_IMAGES,
    Offer,
    OfferedClass,
    Question,
    TableSample,
)
from core.datasets.reading_choice import FOLDERS, NAMES, Choice
from core.text import code_markdown, escape_markdown, isolated, quoted_list_text
from core.ui.frame.address import in_text_colour

OFFERS_IN_A_ROW = 2
THUMBNAIL_WIDTH = 56
MOST_LEVELS = 4
LEVEL_WORDS = {1: "The outer folders", 2: "The folders inside them"}
START = "{class}_*"
# The columns that a person may choose, each with its label and what an empty field shows.
COLUMN_FIELDS = (
    ("label_column", "Class of each image", "Choose"),
    ("file_column", "File name of each image", "Found automatically"),
    ("split_column", "Train or test", "None, or found automatically"),
)
BY_FOLDERS, BY_TABLE, BY_NAMES = "The folders", "A table", "The file names"
SEVERAL_LABELS_WORDS: dict[SeveralLabels, str] = {
    "leave-out": "Leave these images out",
    "combine": "Take each combination as a class",
    "first": "Take the first label",
}

Answer = Callable[[Choice], None]


def show_question(question: Question, key: str, answer: Answer) -> None:
    """Draw the question; ``answer`` gets what the visitor chose. ``key`` keeps widgets apart."""
    for first in range(0, len(question.offers), OFFERS_IN_A_ROW):
        columns = st.columns(OFFERS_IN_A_ROW, gap="small")
        row = question.offers[first : first + OFFERS_IN_A_ROW]
        for place, (column, offer) in enumerate(zip(columns, row, strict=False), start=first):
            with column.container(border=True, height="stretch"):
                _show_offer(offer, f"{place}.{key}", answer)
    if not question.offers and question.tables:
        _ask_yourself(question, key, answer)
        return
    several = len(question.offers) > 1
    title = f"{'None of these' if several else 'Not so'}? Say it yourself"
    # Open where there is little else to choose, and for whoever said it before, in vain.
    is_open = not several or bool(question.refusal)
    with st.expander(
        title if question.offers else "Say it yourself", icon=":material/tune:", expanded=is_open
    ):
        _ask_yourself(question, key, answer)


def _show_offer(offer: Offer, key: str, answer: Answer) -> None:
    st.markdown(f"**{escape_markdown(offer.title)}**")
    st.markdown(offer.summary)
    for entry in offer.classes[:CLASSES_WITH_IMAGES]:
        _show_class(entry)
    more = [entry.name for entry in offer.classes[CLASSES_WITH_IMAGES:]]
    if more:
        st.caption(f"More classes: {escape_markdown(quoted_list_text(more))}.")
    for sentence in [*([offer.doubt] if offer.doubt else []), *offer.left_out]:
        if sentence.rstrip(".") not in offer.title:
            st.caption(f":material/info: {escape_markdown(sentence)}")
    if offer.sources:
        st.caption(f"From {escape_markdown(quoted_list_text(offer.sources))}.")
    options = offer.choice.options
    st.button(
        "Read it this way",
        type="primary",
        icon=":material/check:",
        key=f"offer.{key}",
        on_click=answer,
        args=(offer.choice,),
        help=f"On the command line: {code_markdown(options)}" if options else None,
    )


def _show_class(entry: OfferedClass) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for image in entry.images:
            alt = f"An image of the class {entry.name}"
            st.image(base64.b64decode(image), width=THUMBNAIL_WIDTH, alt=alt)
        st.markdown(f"{escape_markdown(entry.name)} · {entry.count:,}")


def _ask_yourself(question: Question, key: str, answer: Answer) -> None:
    """Fields for all that can be chosen; the choice is given when the button is pressed."""
    ways = [BY_FOLDERS, BY_TABLE, BY_NAMES] if question.tables else [BY_FOLDERS, BY_NAMES]
    way = st.segmented_control(
        "What says the class of an image?",
        ways,
        default=_likely_way(question),
        required=True,
        format_func=in_text_colour,
        key=f"way.{key}",
    )
    fields: dict[str, object] = {}
    if way == BY_FOLDERS:
        fields = _ask_for_level(question, key)
    elif way == BY_TABLE:
        fields = _ask_for_columns(question.tables, key)
    else:
        fields = _ask_for_pattern(question, key)
    fields |= _ask_for_folders(question, key)
    try:
        choice = Choice.model_validate(fields)
    except ValidationError as error:
        st.error(escape_markdown(error.errors()[0]["msg"].removeprefix("Value error, ")))
        choice = None
    st.button(
        "Read it as chosen",
        type="primary",
        icon=":material/refresh:",
        key=f"answer.{key}",
        disabled=choice is None or (way == BY_TABLE and choice.label_column is None),
        on_click=answer,
        args=(choice,),
    )
    if choice is not None:
        command = f"python -m core datasets add PATH {choice.options}"
        st.caption(f"The same on the command line: {code_markdown(command)}")


def _likely_way(question: Question) -> str:
    """Where the class is said to be in the likeliest reading."""
    choice = question.offers[0].choice if question.offers else None
    if question.tables and (choice is None or choice.columns):
        return BY_TABLE
    return BY_NAMES if choice is not None and choice.name_pattern else BY_FOLDERS


def _ask_for_level(question: Question, key: str) -> dict[str, object]:
    depth = max((path.count("/") + 1 for path in question.folders), default=1)
    level = st.selectbox(
        "Which folders are the classes?",
        range(1, min(depth, MOST_LEVELS) + 1),
        index=None,
        format_func=lambda at: f"{LEVEL_WORDS.get(at, 'Those further in')} (level {at})",
        key=f"level.{key}",
        placeholder="Found automatically",
        help="Level 1 are the outer folders, level 2 those inside them. Folders that only wrap "
        "others, and those of train and test, do not count.",
    )
    return {"classes_from": FOLDERS if level is None else f"{FOLDERS}:{level}"}


def _ask_for_columns(tables: list[TableSample], key: str) -> dict[str, object]:
    """The first lines of a table, and a field for each kind of column."""
    names = {table.name: table for table in tables}
    name = tables[0].name
    if len(tables) > 1:
        name = st.selectbox("Which table?", list(names), key=f"table.{key}")
    table = names[name]
    st.markdown(
        f"What do the columns of **{escape_markdown(table.name)}** hold? These are its first lines."
    )
    st.dataframe(
        {
            column: [row[place] if place < len(row) else "" for row in table.rows]
            for place, column in enumerate(table.columns)
        },
        hide_index=True,
        key=f"rows.{name}.{key}",
        alt=f"The first lines of {table.name}.",
    )
    chosen = {
        kind: place.selectbox(
            label, table.columns, index=None, key=f"{kind}.{name}.{key}", placeholder=placeholder
        )
        for place, (kind, label, placeholder) in zip(
            st.columns(len(COLUMN_FIELDS), gap="medium"), COLUMN_FIELDS, strict=True
        )
    }
    several = st.selectbox(
        "Where an image has several labels",
        list(SEVERAL_LABELS_WORDS),
        index=None,
        format_func=lambda value: SEVERAL_LABELS_WORDS[value],
        placeholder="Ask me",
        key=f"several.{key}",
    )
    chosen |= {"classes_from": name if len(tables) > 1 else None, "several_labels": several}
    return dict(chosen)


def _ask_for_pattern(question: Question, key: str) -> dict[str, object]:
    pattern = st.text_input(
        "Where does the class stand in a file name?",
        value=next(
            (o.choice.name_pattern for o in question.offers if o.choice.name_pattern), START
        ),
        key=f"pattern.{key}",
        help="Write {class} where the class stands, * for any text and # for a number. "
        "{class}_* takes what stands before the first underscore, *_{class} what stands after "
        "the last one. The ending of the name does not count.",
    )
    _show_classes_in_names(question.file_names, pattern)
    return {"classes_from": NAMES, "name_pattern": pattern}


def _show_classes_in_names(file_names: list[str], pattern: str) -> None:
    try:
        choice = Choice(name_pattern=pattern)
    except ValidationError:
        return  # the error stands below, where the whole choice is checked
    for name in file_names:
        found = choice.class_in(name.rpartition(".")[0] or name)
        outcome = f"**{escape_markdown(found)}**" if found else "left out: it does not fit"
        st.caption(f"{escape_markdown(name)} → {outcome}")


def _ask_for_folders(question: Question, key: str) -> dict[str, object]:
    """Which folders are subsets, and what is left out."""
    if not question.folders:
        return {}
    folders = list(question.folders)

    def shown(folder: str) -> str:
        counted = question.folders.get(folder)
        return folder if counted is None else f"{isolated(folder)} ({counted:,})"

    subsets: dict[str, str] = {}
    for place, subset in zip(st.columns(len(SUBSETS), gap="medium"), SUBSETS, strict=True):
        chosen = place.multiselect(
            f"Folders of {subset}",
            folders,
            format_func=shown,
            key=f"{subset}.{key}",
            placeholder="Found automatically",
        )
        subsets |= dict.fromkeys(chosen, subset)
    left_out = st.multiselect(
        "Leave out",
        folders,
        format_func=shown,
        key=f"leave.{key}",
        placeholder="Nothing",
        accept_new_options=True,
        help="Folders, or a pattern for file names that you type, such as *_mask.png.",
    )
    return {"subsets": subsets, "leave_out": tuple(left_out)}
