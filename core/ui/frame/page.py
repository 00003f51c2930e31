"""The frame of every page: configuration, navigation, first start, error box."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.experiments.recorded import prepare_home
from core.settings import PROJECT_ROOT, current_settings
from core.text import escape_markdown
from core.ui.frame import access, reads
from core.ui.frame.drawing import noting, refuse_in_shared
from core.ui.frame.errors import error_box, show_late_errors

PAGES_FOLDER = PROJECT_ROOT / "pages"
ROUTER = PROJECT_ROOT / "app.py"
ICON = PROJECT_ROOT / "core" / "ui" / "headstart.svg"
# Pixels. On wider screens lines would be too long to read and charts too flat.
CONTENT_WIDTH = 1280


@dataclass(frozen=True)
class PageRecord:
    """One page: ``path`` in the address bar, file ``pages/<path>.py``, title and icon.

    One that is not ``in_menu`` is reached by links.
    """

    path: str
    title: str
    icon: str
    is_default: bool = False
    in_menu: bool = True

    @property
    def file(self) -> Path:
        return PAGES_FOLDER / f"{self.path}.py"


PAGES = (
    PageRecord("start", "Story", ":material/auto_stories:", is_default=True),
    PageRecord("try_it", "Try it", ":material/photo_camera:"),
    PageRecord("datasets", "Datasets", ":material/photo_library:"),
    PageRecord("advice", "Advice", ":material/lightbulb:"),
    PageRecord("benchmark", "Benchmark", ":material/play_circle:"),
    PageRecord("watch", "Watch it learn", ":material/visibility:"),
    PageRecord("experiments", "Experiments", ":material/science:"),
    PageRecord("compare", "Compare", ":material/bar_chart:"),
    PageRecord("ladder", "The ladder", ":material/stairs:"),
    PageRecord("measured", "How it is measured", ":material/straighten:"),
    PageRecord("workers", "Workers", ":material/dns:", in_menu=False),
)

# In the address of any page: shown alone, without navigation, as for a projector.
PRESENT = "present"

_routed: ContextVar[bool] = ContextVar("routed", default=False)


def route() -> None:
    """Show the navigation and run the page that the address names."""
    # Before the navigation: without an icon of the tab, the browser would fetch the page's icon
    # from the network.
    st.set_page_config(page_icon=ICON, layout="wide")
    page = _navigation()
    token = _routed.set(True)
    try:
        page.run()
    finally:
        _routed.reset(token)


def show_page(path: str, body: Callable[[], None]) -> None:
    """Draw one page: each page's file calls this and nothing else.

    The first deep link into a session runs a page's file without ``app.py`` (Streamlit 1.67 finds
    it by the name of its folder). So the page brings its own navigation then; every later run of
    that session goes through the router.
    """
    page = find_page(path)
    st.set_page_config(page_title=f"{page.title} · Headstart", page_icon=ICON, layout="wide")
    if not _routed.get():
        _bring_navigation()
    _show_address()
    width: int | Literal["stretch"] = "stretch" if is_presented() else CONTENT_WIDTH
    with st.container(horizontal_alignment="center").container(width=width), error_box():
        access.admit()
        settings = current_settings()
        _prepare(str(settings.home), settings.database_url)
        show_late_errors()
        _show_damaged()
        with noting() as shown:
            body()
        if shown and not is_presented():
            # Imported here: pages without charts and tables need nothing of it.
            from core.ui.widgets.slides import offer_slides

            offer_slides(shown)
    if is_presented():
        _show_way_out()
    else:
        access.show_account()


def _show_damaged() -> None:
    """What cannot be read, on a line each; the rest of every page goes on without it."""
    for entry in reads.store().damaged_experiments():
        st.warning(escape_markdown(entry.sentence), icon=":material/broken_image:")


def _bring_navigation() -> None:
    """Navigation for a page opened cold, then once more from the top, through the router.

    Without the second run, the widgets of this first one would belong to another page in
    Streamlit's eyes, and what is typed into them first would be lost. A page that is itself the
    main script (as a test may run it) has no router to go to.
    """
    _navigation()
    context = get_script_run_ctx()
    if context is not None and Path(context.pages_manager.main_script_path) == ROUTER:
        st.rerun()


def _show_address() -> None:
    """Make the address bar say what this run was asked for.

    Streamlit 1.67 leaves it as it is when a link leads to the same page with another query.
    """
    st.query_params.from_dict(st.query_params.to_dict())


def is_presented() -> bool:
    """Whether the address asks for the page alone: no navigation, larger, for a projector."""
    refuse_in_shared("How a page is shown")
    return st.query_params.get(PRESENT) == "1"


def show_present_button() -> None:
    """A small button that shows the page alone; every page that is presented has the way out."""
    if not is_presented():
        st.button(
            "Present",
            key="frame.present",
            type="tertiary",
            icon=":material/fullscreen:",
            help="Shows this page alone, for a projector. Esc brings the navigation back.",
            on_click=st.query_params.update,
            args=({PRESENT: "1"},),
        )


def _show_way_out() -> None:
    st.button(
        "Leave presenter mode",
        key="frame.leave",
        type="tertiary",
        icon=":material/fullscreen_exit:",
        shortcut="Esc",
        on_click=_leave,
    )


def _leave() -> None:
    st.query_params.pop(PRESENT, None)


def find_page(path: str) -> PageRecord:
    """The page of that path; ``KeyError`` for a programmer's typing error."""
    return {page.path: page for page in PAGES}[path]


def link_to(path: str, label: str, **query: str) -> None:
    """A link to another page, with its icon and, if given, a query string.

    From a page that is presented it leads to one that is presented too.
    """
    page = find_page(path)
    if is_presented():
        query = {**query, PRESENT: "1"}
    st.page_link(page.file, label=label, icon=page.icon, query_params=query or None)


def _navigation() -> "st.Page":
    pages = [
        st.Page(
            page.file,
            title=page.title,
            icon=page.icon,
            url_path=f"{page.path}-home" if page.is_default else page.path,
            default=page.is_default,
            visibility="visible" if page.in_menu else "hidden",
        )
        for page in PAGES
    ]
    # The default page answers at "/" alone: its own name leads there too, but not from the menu.
    pages += [
        st.Page(page.file, title=page.title, url_path=page.path, visibility="hidden")
        for page in PAGES
        if page.is_default
    ]
    alone = is_presented() or access.role() is None
    return st.navigation(pages, position="hidden" if alone else "top")


@st.cache_resource(
    max_entries=4, show_spinner="First start: reading the bundled images, some ten seconds…"
)
def _prepare(home: str, database_url: str) -> bool:
    """Once per process and home: words to the operator, bundled datasets, database, results."""
    access.warn_operator()
    prepare_home()
    return True
