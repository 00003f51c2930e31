"""A home and links of the first edition still open. This test stays for ever; see README.md.

It touches only what people and their files rely on: pages by their file and their links, the
command line with its JSON, the files of the home. So it survives any move of modules. Where a
later edition renames something, a table at the top gets an entry; an old link, an old key or a
stored number never leaves this folder.
"""

import io
import json
import runpy
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from tests.old_home.make_home import pictures
from tests.stored_home import unpack_old_home

# In one worker: the home is unpacked and first read once.
pytestmark = pytest.mark.xdist_group("old home")

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT_SECONDS = 120
SERVE_SECONDS = 240
PROCESS = subprocess.Popen

# What is in the home ----------------------------------------------------------------------------

DIGITS, THEMES = "3d975862", "c0819b9b"  # recorded: nine strategies, three seeds
OWN = "29d87876"  # digits, four strategies, weights kept, watched images
HALF, WHOLE = "5624f304", "a3215318"  # the learning curve of shapes: two seeds, weights kept
STOPPED = "2a1e1d94"  # stopped while it trained: finished, interrupted, cancelled runs
EXPERIMENTS = (DIGITS, THEMES, OWN, HALF, WHOLE, STOPPED)
SERIES = "89fa074b"
# Datasets as links name them: by their folder.
DIGITS_SET, THEMES_SET = "8005cb25304ff28d", "256c1572ebfbec79"
SHAPES_SET, CLEANED_SET = "3258e992c3d1ec46", "5232ae1bee4b495b"
SHAPES_ID = "3258e992c3d1ec465a064ba3b8c871c54e48c1693dfbeffd7b8f6255e6b308ca"
IMPORT = "3fd7c7ab8e365252"  # which made shapes
DATASETS = (DIGITS_SET, THEMES_SET, SHAPES_SET, CLEANED_SET)
REVISION = "0002"

# What a later edition may rename: one entry for each name ----------------------------------------

# Boxes whose content is drawn when they are unfolded: their keys.
DRAWN_ON_DEMAND = ("settings.quick.mlp", "settings.quick.cnn")
# The file of a page by the path of its old address.
PAGES = {
    name: f"pages/{name}.py"
    for name in (
        "start",
        "try_it",
        "datasets",
        "benchmark",
        "watch",
        "compare",
        "ladder",
        "measured",
    )
}
# Keys of the JSON: the old one, and the way to what holds the same value now ("scores.test").
JSON_KEYS = {"watched": "tracked"}
# Texts in the JSON that may be reworded; they must be there where they were.
JSON_PROSE = {"advice", "changes", "error", "notes", "provenance", "read_as", "title"}
# Exported tables, their columns and what stands in these: as above.
TABLES = {"flips": "disagreements", "ledger": "time-breakdown"}
COLUMNS = {
    "measure": "metric",
    "said": "predicted",
    "put_right": "fixed",
    "broken": "regressed",
} | {
    f"{which}_{old}": f"{which}_{now}"
    for which in ("first", "second")
    for old, now in (
        ("said", "predicted"),
        ("said_probability", "confidence"),
        ("label_probability", "true_class_probability"),
    )
}
# What the CSV of a comparison has behind all that was there; old runs know nothing of it.
NEW_COLUMNS = [
    "file_bytes", "image_seconds", "image_seconds_low", "image_seconds_high", "timed_images",
    "other_load", "memory_bytes", "multiply_adds", "processor", "measuring_seconds",
    "disturbed_times", "backbone_origin",
]  # fmt: skip
CHANGES = {"put right": "fixed", "broken": "regressed"}
COLUMNS_OF_PROSE = {"teaches", "title", "first_title", "second_title", "words"}
# Values of choices and of JSON: the old one, and the one that stands for it now.
VALUES: dict[Any, Any] = {
    "50 %": "half of the images",
    "best of all strategies minus 1 point": "best of these minus 1 point",
}
# Widgets by the old name of a choice; the others have the key "address.NAME".
WIDGETS = {"at": "watch.at.*"}
# Choices whose widget has no key, and what it is: the first of that kind on its page.
KEYLESS = {"dataset": "selectbox", "differences": "toggle", "page": "pagination"}
# Labels of what has no key.
LABELS = {"make the map": "Make the map", "close the image": "Close"}
# What is on a dataset's page, by the section of the old link.
SECTIONS = {
    "Health": "counts.*",
    "Pictures": "open.gallery.*",
    "Clean up": "clean.*",
    "Manage": "zip.*",
}
# What says which scene of how many the story shows.
SCENE = "{number} of {count}"


@dataclass(frozen=True)
class Link:
    """An old link: page and query; ``chosen`` by the old name of the choice; ``shows`` are texts
    that come from the data; ``keys`` patterns of widgets and charts that must be there;
    ``warnings`` how many boxes say that something is not there (any more), or ask a question."""

    address: str
    chosen: dict[str, Any] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    warnings: int = 0


# Opening ----------------------------------------------------------------------------------------


class StandIn(subprocess.Popen):
    """Stands in for every process of Python's that a page starts, and notes its command."""

    made: ClassVar["list[StandIn]"] = []

    def __init__(self, command: Any, **options: Any) -> None:
        self.command, self.options = [str(part) for part in command], options
        if self.command[0] == sys.executable:
            # It has the same arguments: pages look for them to see whether a process lives.
            command = [sys.executable, "-S", "-c", "import time; time.sleep(600)", *self.command]
            self.made.append(self)
        super().__init__(command, **options)


def unpacked(folder: Path) -> Path:
    unpack_old_home(folder)
    for weights in (HERE / "weights").glob("*.npz"):
        shutil.copy(weights, folder / "runs" / weights.stem / "weights.npz")
    return folder


def live_in(home: Path, patch: pytest.MonkeyPatch) -> None:
    """Make ``home`` the home of this process, as on a machine without the weights of VGG16."""
    for name in ("HEADSTART_DATABASE_URL", "HEADSTART_IMPORT_FOLDERS", "HEADSTART_PRECISION"):
        patch.delenv(name, raising=False)
    patch.setenv("HEADSTART_HOME", str(home))
    patch.setenv("KERAS_HOME", str(home / "no-keras"))


@pytest.fixture(scope="module")
def old_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The old home, opened; shared by the tests that change nothing in it."""
    home = unpacked(tmp_path_factory.mktemp("old") / "home")
    with pytest.MonkeyPatch.context() as patch:
        live_in(home, patch)
        patch.setattr(subprocess, "Popen", StandIn)
        core("datasets", "list")
        yield home
    for process in StandIn.made:
        process.kill()
        process.wait()
    StandIn.made.clear()


def core(*arguments: str) -> str:
    """``python -m core ...`` in this process; returns what it prints."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setattr(sys, "argv", ["core", *arguments])
        with pytest.raises(SystemExit) as left:
            runpy.run_module("core", run_name="__main__")
    assert left.value.code == 0, arguments
    return out.getvalue()


def asked(*arguments: str) -> Any:
    return json.loads(core(*arguments, "--json"))


def opened(address: str) -> AppTest:
    """A page in a fresh session, as a link opens it, without an error."""
    parts = urlsplit(address)
    app = AppTest.from_file(str(ROOT / PAGES[parts.path]), default_timeout=TIMEOUT_SECONDS)
    for name, value in parse_qsl(parts.query):
        app.query_params[name] = value
    return whole(app.run())


def whole(app: AppTest) -> AppTest:
    assert not app.exception
    assert [box.value for box in app.error] == []
    return app


def link(page: str, /, **query: str) -> str:
    return f"{page}?{urlencode(query)}" if query else page


# Reading a page ---------------------------------------------------------------------------------


def keys_of(app: AppTest) -> list[str]:
    """Keys of all widgets and charts."""
    return [element.key for element in app.main if getattr(element, "key", None)]


def chosen(app: AppTest, name: str) -> Any:
    """What the widget of that choice stands at."""
    if name in KEYLESS:
        found = [element for element in app.get(KEYLESS[name]) if element.key is None][:1]
    else:
        pattern = WIDGETS.get(name, f"address.{name}")
        found = [e for e in app.main if fnmatchcase(str(getattr(e, "key", None)), pattern)]
    assert len(found) == 1, f"{len(found)} widgets for {name}"
    return found[0].value


def value_now(value: Any) -> Any:
    """What stands for an old value now; the values of a list one by one."""
    if isinstance(value, list):
        return [value_now(entry) for entry in value]
    return VALUES.get(value, value)


def shown(app: AppTest) -> str:
    """All that can be read on a page, alternatives of pictures and charts too."""
    texts = []
    for element in app.main:
        proto = getattr(element, "proto", None)
        value = getattr(element, "value", None)
        texts.append(value if isinstance(value, str) else "")
        texts += [getattr(proto, name, "") for name in ("alt", "label", "body", "caption")]
        for image in getattr(proto, "imgs", ()):
            texts += [image.alt, image.caption]
        if hasattr(value, "to_csv"):
            texts.append(value.to_csv())
    return "\n".join(str(text) for text in texts if text).replace("\\", "")


def unfolded(app: AppTest) -> AppTest:
    """The page with what it draws on demand."""
    folded = [key for key in DRAWN_ON_DEMAND if key in app.session_state]
    for key in folded:
        app.session_state[key] = True
    return whole(app.run()) if folded else app


def counts(app: AppTest) -> dict[str, int]:
    """How much of each kind stands on a page: what an edition may not silently lose."""
    kinds = {
        "charts": ("plotly_chart",),
        "tables": ("dataframe", "table"),
        "images": ("image",),
        "downloads": ("download_button",),
        "choices": ("selectbox", "button_group", "multiselect", "toggle", "checkbox"),
        "links": ("page_link",),
    }
    return {name: sum(len(app.get(kind)) for kind in of) for name, of in kinds.items()}


# Every view of every page draws -----------------------------------------------------------------

# Metrics that are newer than the stored numbers: tables have more lines with them.
LATER_METRICS = {"roc_auc"}
COMPARE_VIEWS = ("overview", "differences", "time", "pictures", "data", "several", "report")
PICTURE_KINDS = ("confusion", "flips", "mistakes", "hardest", "labels", "map")
MEASURED_SECTIONS = (
    "split", "clocks", "statistics", "strategies", "tutorial", "scenarios", "device", "glossary",
)  # fmt: skip
DATASET_SECTIONS = ("Health", "Pictures", "Clean up", "Manage")
SCENES = {DIGITS: 7, THEMES: 7, OWN: 7, WHOLE: 6}

VIEWS = [
    *(link("start", experiment=name, scene=str(number))
      for name, count in SCENES.items() for number in range(1, count + 1)),
    *(link("compare", experiment=name, view=view)
      for name in (THEMES, OWN, WHOLE) for view in COMPARE_VIEWS),
    *(link("compare", experiment=name) for name in (DIGITS, HALF, STOPPED)),
    link("compare", experiment=OWN, view="several", several=",".join(EXPERIMENTS)),
    *(link("compare", experiment=name, view="pictures", show=show)
      for name in (THEMES, OWN) for show in PICTURE_KINDS[1:]),
    *(link("measured", experiment=name, section=section)
      for name in (THEMES, OWN, HALF) for section in MEASURED_SECTIONS),
    *(link("try_it", experiment=OWN, view="picture", source=source)
      for source in ("held", "upload", "camera")),
    *(link("try_it", experiment=name, view=view)
      for name in (THEMES, WHOLE, OWN) for view in ("picture", "guess", "keep")),
    *(link("watch", experiment=name) for name in EXPERIMENTS),
    "datasets",
    *(link("datasets", dataset=name, section=section)
      for name in DATASETS for section in DATASET_SECTIONS),
    "benchmark",
    *(link("benchmark", dataset=name) for name in DATASETS),
    *(link("benchmark", experiment=name) for name in EXPERIMENTS),
    "ladder",
]  # fmt: skip
# An import that asks a question, which can be answered: its upload is found in the moved home.
WARNINGS = {"datasets": 1}


@pytest.mark.usefixtures("old_home")
@pytest.mark.parametrize("address", VIEWS)
def test_every_view_draws_what_it_had(address: str) -> None:
    app = opened(address)
    assert [bool(title.value) for title in app.title] == [True]
    assert len(app.warning) == WARNINGS.get(address, 0), [box.value for box in app.warning]
    now = counts(unfolded(app))
    assert {name: max(had, now[name]) for name, had in stored("outline")[address].items()} == now


# Old links lead to the same view ----------------------------------------------------------------

# A name that is not there (any more): the page says so and shows what there is.
GONE = "gone"
# Test images, each with its file: of digits, of themes16.
IMAGE, IMAGE_FILE = "1536", "4/01536"
THEMES_IMAGE, THEMES_FILE = "1097", "plants/plants_028.png"
SHAPES_IMAGE, SHAPES_FILE = "7", "blue/test/07.png"


def compare(experiment: str, view: str, *, keys: tuple[str, ...] = (), **choices: str) -> Link:
    """A link into a view of Compare, each choice of which has a widget."""
    chosen = {"experiment": experiment, "view": view} | choices
    return Link(link("compare", **chosen), chosen, keys=keys)


LINKS = [
    # Story
    *(
        Link(
            link("start", experiment=THEMES, scene=str(number)),
            {"experiment": THEMES},
            (SCENE.format(number=number, count=7), said),
            (key,),
        )
        for number, said, key in (
            (1, "1,347", "*"),
            (2, "people", "story.commonest"),
            (3, "31.2", "story.mlp"),
            (4, "39.0", "story.cnn"),
            (5, "", "story.head_start"),
            (6, "", "story.time"),
            (7, "", "story.elsewhere"),
        )
    ),
    Link(link("start", experiment=DIGITS), {"experiment": DIGITS},
         (SCENE.format(number=1, count=7), "1,797")),
    Link(link("start", experiment=OWN, scene="5", present="1"), {},
         (SCENE.format(number=5, count=7),), ("frame.leave",)),
    Link(link("start", experiment=GONE, scene="99"), warnings=2),
    # Compare: views, metrics, curves, pairs
    *(compare(THEMES, view) for view in COMPARE_VIEWS),
    Link(link("compare", experiment=OWN), {"experiment": OWN, "view": "overview"}),
    *(
        compare(DIGITS, view, metric=metric, keys=(f"{chart}.{DIGITS}",))
        for view, metric, chart in (
            ("overview", "accuracy", "accuracy"),
            ("overview", "balanced_accuracy", "balanced_accuracy"),
            ("overview", "macro_f1", "macro_f1"),
            ("overview", "log_loss", "log_loss"),
            ("time", "top_3_accuracy", "pareto"),
            ("time", "calibration_error", "pareto"),
        )
    ),
    *(
        compare(OWN, "overview", curve=curve)
        for curve in ("validation_accuracy", "train_accuracy", "validation_loss", "train_loss")
    ),
    compare(THEMES, "differences", first="mlp", second="vgg16_probe",
            keys=(f"reliability.{THEMES}", f"pairs.{THEMES}")),
    Link(link("compare", experiment=GONE, view=GONE), {"view": "overview"}, warnings=2),
    # Compare: images
    compare(THEMES, "pictures", show="confusion", strategy="cnn", seed="1", true="people",
            predicted="plants", cells="shares", keys=(f"confusion.{THEMES}.cnn.1.*",)),
    compare(DIGITS, "pictures", show="confusion", strategy="mlp", seed="all", true="4",
            predicted="9", cells="counts", keys=(f"confusion.{DIGITS}.mlp.*.4.9",)),
    Link(link("compare", experiment=DIGITS, view="pictures", true="9", predicted=GONE),
         {"show": "confusion", "true": "9"}, warnings=1),
    Link(link("compare", experiment=THEMES, view="pictures", show="flips", first="mlp",
              second="cnn", seed="1", side="broken", page="2"),
         {"show": "flips", "first": "mlp", "second": "cnn", "seed": "1", "side": "broken"},
         (THEMES_FILE,)),
    compare(THEMES, "pictures", show="flips", first="cnn", second="vgg16_probe", seed="all",
            side="put_right"),
    Link(link("compare", experiment=THEMES, view="pictures", show="mistakes", strategy="mlp",
              page="2"),
         {"show": "mistakes", "strategy": "mlp", "page": 2}),
    compare(THEMES, "pictures", show="hardest"),
    compare(THEMES, "pictures", show="labels"),
    compare(THEMES, "pictures", show="map", method="pca"),
    compare(THEMES, "pictures", show="map", method="tsne"),
    Link(link("compare", experiment=THEMES, view="pictures", image=THEMES_IMAGE, seed="1",
              first="mlp", second="cnn"),
         {"seed": "1", "first": "mlp", "second": "cnn"}, (THEMES_FILE,)),
    Link(link("compare", experiment=OWN, view="pictures", image=IMAGE), {}, (IMAGE_FILE,)),
    Link(link("compare", experiment=OWN, view="pictures", image="99999"),
         {"show": "confusion"}, warnings=1),
    # Compare: learning curve, several experiments
    compare(WHOLE, "data", series=SERIES, first="majority", second="mlp",
            keys=(f"series.{SERIES}",)),
    Link(link("compare", experiment=OWN, view="data", series=GONE), {"series": SERIES},
         warnings=1),
    Link(link("compare", experiment=OWN, view="several", several=f"{THEMES},{OWN}",
              baseline=THEMES),
         {"several": [THEMES, OWN], "baseline": THEMES, "differences": True},
         (f"({THEMES})", f"({OWN})")),
    Link(link("compare", experiment=OWN, view="several", several=f"{OWN},{HALF},{WHOLE}",
              baseline="none", differences="no"),
         {"several": [OWN, HALF, WHOLE], "baseline": "none", "differences": False}),
    Link(link("compare", experiment=OWN, view="several", several=f"{GONE},{OWN}"),
         {"several": [OWN]}, warnings=1),
    # Try it
    Link(link("try_it", experiment=OWN), {"experiment": OWN, "view": "picture", "source": "held"}),
    Link(link("try_it", experiment=OWN, view="picture", source="held", image=IMAGE),
         {"view": "picture", "source": "held"}, (IMAGE_FILE,)),
    Link(link("try_it", experiment=OWN, page="2"), {"source": "held"}, (), ("try.choose.*",)),
    Link(link("try_it", experiment=OWN, view="picture", source="upload"),
         {"source": "upload"}, (), (f"try.upload.{OWN}",)),
    Link(link("try_it", experiment=OWN, view="picture", source="camera"),
         {"source": "camera"}, (), (f"try.camera.{OWN}",)),
    Link(link("try_it", experiment=THEMES, view="guess", round="3"),
         {"experiment": THEMES, "view": "guess"}, (), ("guess.3.0.15",)),
    Link(link("try_it", experiment=THEMES, view="guess", round="999"), {"view": "guess"}, (),
         ("guess.1.0.15",), warnings=1),
    Link(link("try_it", experiment=WHOLE, view="keep", strategy="mlp", seed="1"),
         {"experiment": WHOLE, "view": "keep", "strategy": "mlp", "seed": "1"}, (),
         (f"keep.make.{WHOLE}-mlp-1",)),
    # Watch it learn
    Link(link("watch", experiment=OWN, strategy="cnn", at="50"),
         {"experiment": OWN, "strategy": "cnn", "at": "50"}, (), (f"watch.curves.{OWN}",)),
    Link(link("watch", experiment=WHOLE, strategy="mlp", seed="1", at="40"),
         {"experiment": WHOLE, "strategy": "mlp", "seed": "1", "at": "40"}),
    Link(link("watch", experiment=THEMES, present="1"), {}, (),
         (f"watch.curves.{THEMES}", "frame.leave")),
    # Datasets
    Link("datasets", {}, ("unclear.zip", "Its columns: a, b, c."), warnings=1),
    *(
        Link(link("datasets", dataset=SHAPES_SET, section=section), {}, ("shapes",), (key,))
        for section, key in SECTIONS.items()
    ),
    Link(link("datasets", dataset=CLEANED_SET), {}, ("shapes, version 2",), (SECTIONS["Health"],)),
    Link(link("datasets", dataset="themes16", section="Pictures"), {}, ("themes16",),
         (SECTIONS["Pictures"],)),
    Link(link("datasets", dataset=SHAPES_ID), {}, ("shapes",)),
    Link(link("datasets", dataset=SHAPES_SET, section="Pictures", **{"class": "blue"}, page="2"),
         {"class": "blue", "page": 2}, ("class blue",)),
    Link(link("datasets", dataset=SHAPES_SET, section="Pictures", image=SHAPES_IMAGE), {},
         (SHAPES_FILE,), (f"mark.*.{SHAPES_IMAGE}",)),
    Link(link("datasets", dataset=GONE), warnings=2),
    # Benchmark
    Link(link("benchmark", dataset=SHAPES_SET), {"dataset": SHAPES_ID}),
    Link(link("benchmark", dataset="shapes"), {"dataset": SHAPES_ID}),
    Link(link("benchmark", experiment=OWN), {}, ("digits",), (f"curve.{OWN}",)),
    Link(link("benchmark", experiment=STOPPED), {}, ("shapes",),
         (f"retry.{STOPPED}-majority-1", f"retry.{STOPPED}-mlp-0")),
    Link(link("benchmark", experiment=GONE), warnings=1),
    # How it is measured
    *(
        Link(link("measured", section=section, experiment=THEMES),
             {"section": section, "experiment": THEMES})
        for section in MEASURED_SECTIONS[:-1]
    ),
    Link(link("measured", section="glossary"), {"section": "glossary"}),
    Link(link("measured", section="split", experiment=THEMES, strategy="cnn"),
         {"strategy": "cnn"}, (), (f"split.{THEMES}", f"best.{THEMES}")),
    Link(link("measured", section="clocks", experiment=OWN, strategy="cnn"),
         {"strategy": "cnn"}, (), (f"timeline.{OWN}-cnn-0",)),
    Link(link("measured", section="statistics", experiment=THEMES, first="mlp", second="cnn"),
         {"first": "mlp", "second": "cnn"}, (), ("measured.bootstrap",)),
    Link(link("measured", section="strategies", strategy="vgg16_freeze", preset="article",
              size="128", k="7", experiment=OWN),
         {"strategy": "vgg16_freeze", "preset": "article", "size": "128", "k": "7"},
         ("134,301,514",), ("network.vgg16_freeze",)),
    Link(link("measured", section=GONE, experiment=GONE), {"section": "split"}, warnings=2),
]  # fmt: skip


@pytest.mark.usefixtures("old_home")
@pytest.mark.parametrize("old", LINKS, ids=lambda old: old.address)
def test_an_old_link_leads_to_the_same_view(old: Link) -> None:
    app = opened(old.address)
    assert {name: chosen(app, name) for name in old.chosen} == {
        name: value_now(value) for name, value in old.chosen.items()
    }
    text = shown(app)
    assert [part for part in old.shows if part not in text] == []
    keys = keys_of(app)
    assert [key for key in old.keys if not any(fnmatchcase(one, key) for one in keys)] == []
    assert len(app.warning) == old.warnings


@pytest.mark.usefixtures("old_home")
def test_the_pages_answer_at_their_old_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, bool] = {}
    page = streamlit.Page

    def noted(*arguments: Any, url_path: str, default: bool = False, **options: Any) -> Any:
        made[url_path] = default
        return page(*arguments, url_path=url_path, default=default, **options)

    monkeypatch.setattr(streamlit, "Page", noted)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=TIMEOUT_SECONDS)
    app.query_params["experiment"] = OWN
    app.query_params["scene"] = "2"
    whole(app.run())
    assert set(PAGES) <= set(made)
    # "/?experiment=...&scene=..." is the story.
    assert SCENE.format(number=2, count=SCENES[OWN]) in shown(app)


# The same numbers -------------------------------------------------------------------------------


def stored(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Where ``new`` does not hold what ``old`` does; it may hold more."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            found = looked_up(new, key)
            if key in JSON_PROSE:
                if type(found) is not type(value) or bool(found) != bool(value):
                    yield f"{where}.{key}: {value!r} was here, not {found!r}"
            else:
                yield from differences(value, found, f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{where}: {len(old)} entries were here, not {len(new)}"
        for place, (value, found) in enumerate(zip(old, new, strict=False)):
            yield from differences(value, found, f"{where}[{place}]")
    elif isinstance(old, float) and isinstance(new, float):
        if new != pytest.approx(old, rel=1e-9, abs=1e-12):
            yield f"{where}: {old} was here, not {new}"
    elif type(old) is not type(new) or value_now(old) != new:
        yield f"{where}: {old!r} was here, not {new!r}"


def looked_up(document: dict[str, Any], key: str) -> Any:
    """The value of an old key, by its new name where it has one; a word that is no value."""
    found: Any = document
    for part in JSON_KEYS.get(key, key).split(".") if key not in document else [key]:
        found = found.get(part, "nothing") if isinstance(found, dict) else "nothing"
    return found


def by_id(documents: list[dict[str, Any]], names: Any) -> dict[str, Any]:
    return {entry["id"]: entry for entry in documents if entry["id"] in names}


@pytest.mark.usefixtures("old_home")
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_compare_gives_the_same_numbers(experiment: str) -> None:
    now = json.loads(core("compare", experiment, "--format", "json"))
    assert list(differences(stored("compare")[experiment], now)) == []


@pytest.mark.usefixtures("old_home")
def test_exported_tables_hold_the_same_numbers(tmp_path: Path) -> None:
    old, path = stored("tables"), tmp_path / "tables.zip"
    for line, now in zip(
        old["csv"].splitlines(), core("compare", OWN, "--format", "csv").splitlines(), strict=True
    ):
        added = NEW_COLUMNS if line.startswith("strategy,") else [""] * len(NEW_COLUMNS)
        assert now == ",".join([line, *added])
    core("compare", OWN, "--format", "zip", "--output", str(path))
    with zipfile.ZipFile(path) as archive:
        for name, lines in old["tables"].items():
            now = TABLES.get(name, name)
            expected = [
                {
                    COLUMNS.get(column, column): CHANGES[value] if column == "change" else value
                    for column, value in line.items()
                    if column not in COLUMNS_OF_PROSE
                }
                for line in lines
            ]
            found = json.loads(archive.read(f"{now}.json"))
            found = [line for line in found if line.get("metric") not in LATER_METRICS]
            assert list(differences(expected, found, name)) == []
            heading = archive.read(f"{now}.csv").decode().splitlines()[0].split(",")
            assert heading == list(found[0])


@pytest.mark.usefixtures("old_home")
@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_is_shown_with_all_its_runs(experiment: str) -> None:
    old, now = stored("experiments")[experiment], asked("experiments", "show", experiment)
    assert list(differences(old, now)) == []


@pytest.mark.usefixtures("old_home")
def test_a_run_is_shown_with_its_epochs() -> None:
    for run, old in stored("runs").items():
        assert list(differences(old, asked("runs", "show", run), run)) == []


@pytest.mark.usefixtures("old_home")
def test_datasets_are_shown_with_their_health() -> None:
    for name, old in stored("datasets").items():
        assert list(differences(old, asked("datasets", "show", name), name)) == []


@pytest.mark.usefixtures("old_home")
def test_the_lists_name_all_that_was_there() -> None:
    shown_alone = stored("experiments")
    listed = {entry["id"]: entry for entry in asked("experiments", "list")}
    assert set(shown_alone) <= set(listed)
    runs = {run["id"]: run for document in shown_alone.values() for run in document["runs"]}
    now = {run["id"]: run for run in asked("runs", "list")}
    assert list(differences(runs, now)) == []
    names = {entry["name"] for entry in asked("datasets", "list")}
    assert set(stored("datasets")) <= names


# An old home works on ---------------------------------------------------------------------------


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "headstart.db")) as connection:
        return connection.execute(query).fetchall()


def test_the_old_database_is_migrated_with_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = unpacked(tmp_path / "home")
    assert rows(home, "SELECT version_num FROM alembic_version") == [(REVISION,)]
    states = dict(rows(home, "SELECT id, state FROM runs"))
    live_in(home, monkeypatch)
    now = {run["id"]: run["state"] for run in asked("runs", "list")}
    assert {name: now[name] for name in states} == states
    assert rows(home, "PRAGMA integrity_check") == [("ok",)]
    ((result,),) = rows(home, f"SELECT result FROM jobs WHERE id = '{IMPORT}'")
    assert json.loads(result)["dataset_id"] == SHAPES_ID


@pytest.mark.usefixtures("old_home")
def test_the_same_upload_is_the_same_dataset(tmp_path: Path) -> None:
    path = tmp_path / "shapes.zip"
    path.write_bytes(pictures())
    assert asked("datasets", "add", str(path))["id"] == SHAPES_ID


@pytest.mark.slow
def test_a_run_that_waits_in_an_old_home_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = unpacked(tmp_path / "home")
    live_in(home, monkeypatch)
    run = f"{STOPPED}-majority-1"
    assert asked("runs", "retry", run)["state"] == "queued"
    worker = PROCESS([sys.executable, "-m", "core", "worker", "--exit-when-idle", "0"], cwd=ROOT)
    assert worker.wait(SERVE_SECONDS) == 0
    served, first = (asked("runs", "show", f"{STOPPED}-majority-{seed}") for seed in (1, 0))
    assert served["state"] == "finished"
    assert looked_up(served["result"], "scores") == looked_up(first["result"], "scores")


def test_nothing_in_the_home_names_the_machine_that_made_it(tmp_path: Path) -> None:
    home = unpacked(tmp_path / "home")
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [place for place in (b"/tmp/", b"/root") if place in content] == []


def test_heat_maps_of_an_old_run_can_be_asked_for(old_home: Path) -> None:
    app = opened(link("compare", experiment=OWN, view="pictures", image=IMAGE, first="mlp",
                      second="cnn"))  # fmt: skip
    whole(app.toggle(key="looked").set_value(True).run())
    assert is_queued(old_home, "explain", f"{OWN}-cnn-0")


@pytest.mark.slow
@pytest.mark.usefixtures("old_home")
def test_the_feature_map_of_an_old_experiment_is_made_and_links_into_it_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_in(unpacked(tmp_path / "home"), monkeypatch)  # where nothing else is queued
    app = opened(link("compare", experiment=OWN, view="pictures", show="map", method="pca",
                      colour="cnn", point=IMAGE))  # fmt: skip
    (make,) = [button for button in app.button if button.label == LABELS["make the map"]]
    whole(make.click().run())
    worker = PROCESS([sys.executable, "-m", "core", "worker", "--exit-when-idle", "0"], cwd=ROOT)
    assert worker.wait(SERVE_SECONDS) == 0
    whole(app.run())
    assert chosen(app, "colour") == "cnn"
    assert f"map.{OWN}.cnn" in keys_of(app)
    assert IMAGE_FILE in shown(app)
    assert LABELS["close the image"] in [button.label for button in app.button]


def test_the_network_of_an_old_run_can_be_taken_along(old_home: Path) -> None:
    app = opened(link("try_it", experiment=OWN, view="keep", strategy="cnn"))
    (make,) = [button for button in app.button if fnmatchcase(str(button.key), "keep.make.*")]
    whole(make.click().run())
    assert is_queued(old_home, "export", f"{OWN}-cnn-0")


@pytest.mark.usefixtures("old_home")
def test_the_networks_of_an_old_run_are_woken_for_live_answers() -> None:
    opened(link("try_it", experiment=OWN))
    assert any(process.poll() is None for process in StandIn.made)


def is_queued(home: Path, kind: str, name: str) -> bool:
    """Whether a job of this kind about the run ``name`` waits, and a worker was started for it."""
    found = rows(home, f"SELECT arguments FROM jobs WHERE kind = '{kind}' AND state = 'queued'")
    workers = [process for process in StandIn.made if "worker" in process.command]
    return bool(workers) and any(name in arguments for (arguments,) in found)
