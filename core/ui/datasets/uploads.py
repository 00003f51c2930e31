"""Adding images: the upload, a folder on the server, and how images must be arranged."""

from collections.abc import Callable
from html import escape

import streamlit as st

from core.datasets.bundled import SAMPLES, Sample
from core.datasets.storage import LONGEST_DATASET_NAME
from core.errors import HeadstartError
from core.settings import PROJECT_ROOT, current_settings
from core.text import escape_markdown
from core.ui.frame import actions
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.address import in_text_colour
from core.ui.frame.errors import file_or_error

LAYOUTS = PROJECT_ROOT / "docs" / "layouts.md"
FILES, FOLDER = "Files or a zip", "A folder"
UPLOAD_NUMBER = "upload.number"
UPLOAD_PROBLEM = "upload.problem"
# As the theme draws code, in either theme: the grey is a veil over whatever lies below.
_TREE = (
    "margin: 0; padding: 1rem; border-radius: 0.5rem; white-space: pre-wrap; font-size: 0.875rem; "
    "background: rgba(128, 128, 128, 0.1)"
)


def offer_upload() -> None:
    """Take files, a folder, or a path on the server; each starts an import by itself.

    An uploaded file sits in the memory of the server until the uploader is drawn under another
    key, so that happens with every upload, also with one that is refused. A viewer reads who can
    add images instead.
    """
    if not may_edit():
        show_viewer_note("add images")
        return
    number = st.session_state.setdefault(UPLOAD_NUMBER, 0)
    settings = current_settings()
    with st.container(border=True):
        # The name comes first: dropped files are read at once.
        left, right = st.columns([1, 2], gap="medium")
        kind = left.segmented_control(
            "What do you have?",
            [FILES, FOLDER],
            default=FILES,
            format_func=in_text_colour,
            required=True,
            key="upload.kind",
        )
        name = left.text_input(
            "Name (optional)",
            key=f"upload.name.{number}",
            max_chars=LONGEST_DATASET_NAME,
            placeholder="the name of the file",
            help="Type it before you drop the files. It can be changed later.",
        )
        files = right.file_uploader(
            "Drop an archive, a table, arrays or images here"
            if kind == FILES
            else "Choose a folder with one folder of images for each class",
            accept_multiple_files=True if kind == FILES else "directory",
            key=f"upload.files.{number}",
        )
        st.caption(
            "Images may have any size, grey or colour, and stay on this machine. The browser takes "
            f"up to {settings.upload_limit_bytes / 1024**2:,.0f} MB at a time; for more, give a "
            "folder or a zip that is on this machine, below, or type "
            "`python -m core datasets add PATH`."
        )
        _offer_server_folder(name)
    if files:
        _start(lambda: actions.receive_upload([(f.name, f) for f in files], name or None))
    problem = st.session_state.get(UPLOAD_PROBLEM)
    if problem:
        st.error(escape_markdown(problem), icon=":material/error:")


def _offer_server_folder(name: str) -> None:
    allowed = current_settings().import_folders
    with st.expander("A folder or file that is on this machine", icon=":material/dns:"):
        listed = " or ".join(f"`{folder}`" for folder in allowed)
        st.caption(
            f"It must be inside {listed}. The variable `HEADSTART_IMPORT_FOLDERS` allows other "
            "folders."
        )
        with st.form("server-folder", border=False):
            path = st.text_input("Path", placeholder=str(allowed[0] / "pets"))
            pressed = st.form_submit_button("Read it", icon=":material/folder_open:")
    if pressed:
        _start(lambda: actions.import_folder(path, name or None))


def _start(begin: Callable[[], str]) -> None:
    """Begin an import and draw the page again with an empty uploader; a refusal is kept to be
    shown there, until the next try."""
    st.session_state[UPLOAD_NUMBER] += 1
    st.session_state[UPLOAD_PROBLEM] = None
    try:
        with st.spinner("Copying to disk…"):
            begin()
    except HeadstartError as error:
        st.session_state[UPLOAD_PROBLEM] = str(error)
    st.rerun()


def show_formats() -> None:
    """Each arrangement that Headstart reads: in words, as a tree, and a sample to download."""
    st.header("How your images can be arranged")
    tabs = st.tabs([in_text_colour(sample.title) for sample in SAMPLES])
    for tab, sample in zip(tabs, SAMPLES, strict=True):
        with tab:
            _show_format(sample)
    st.caption(
        "Images may be JPEG, PNG, WebP, TIFF, BMP, GIF (its first frame), AVIF, TGA or Netpbm, in "
        "a zip or a tar. Headstart recognises the arrangement by itself, and asks where there are "
        "several ways to read it."
    )
    _show_layouts()


def _show_layouts() -> None:
    """What becomes of the layouts that other programs write: the tables of the documentation."""
    folded = st.expander(
        "What libraries, clouds and labelling tools write",
        icon=":material/list:",
        key="uploads.layouts",
        on_change="rerun",
    )
    if folded.open:
        _, *lines = LAYOUTS.read_text(encoding="utf-8").splitlines()
        folded.markdown("\n".join(map(_as_list, lines)))


def _as_list(line: str) -> str:
    """A row of a table as an entry of a list, because a table of four columns is wide."""
    cells = [cell.strip() for cell in line.strip("|").split(" |")]
    if line.startswith("## "):
        return f"#{line}"
    if not line.startswith("|"):
        return line
    if len(cells) < 3 or cells[0] == "layout":
        return ""
    layout, there, happens, *how = cells
    return f"- **{layout}**: {there}. *{happens}*{''.join(f', {text}' for text in how if text)}."


def _show_format(sample: Sample) -> None:
    left, right = st.columns([1, 1], gap="large")
    left.markdown(escape_markdown(sample.explanation))
    left.download_button(
        "Download a sample",
        data=file_or_error(sample.build),
        file_name=sample.file_name,
        icon=":material/download:",
        key=f"sample.{sample.name}",
        help="A small file that works: look into it, or drop it above.",
    )
    # Not st.code: its highlighter is 1.6 MB of program, which every visitor of the page would load.
    right.html(f'<pre style="{_TREE}">{escape(sample.tree)}</pre>')
