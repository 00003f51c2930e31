"""The report as a file: whole, one file alone, with hostile names shown literally."""

import re
import shutil
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from core.analysis.advice.grades import Quote
from core.analysis.words.grades import describe_quote
from core.analysis.words.summary import NOTHING_YET
from core.datasets.add import add_pixels
from core.datasets.storage import remove_dataset
from core.errors import UnknownName
from core.experiments.labels import change_labels
from core.experiments.recorded import import_recorded
from core.experiments.records import RecordedRun, run_id_of
from core.experiments.run_files import predictions_path, write_predictions
from core.experiments.store import open_store
from core.reports import report
from core.reports.report import breakable, report_html
from core.reports.sections import classes, confusion_matrix
from core.reports.texts import Table, cell_text, markdown_table
from core.text import UNKNOWN
from core.training.events import Predictions
from tests import hand_made, made_up
from tests.analysis.advice.made_forecasts import graded
from tests.made_evidence import (
    ANSWERS,
    EXPERIMENT,
    LABELS,
    MOMENT,
    TEST_INDICES,
    evidence_with,
    probabilities_of,
    store_experiment,
)

THEMES16 = "e9933081"
MOST_BYTES = 8_000_000
SCRIPT = "<script>alert(1)</script>"
HOSTILE = ("**md** [x](javascript:1)", SCRIPT, "=cmd()")
HOSTILE_DATASET = "</title></script><img src=x onerror=alert(1)>"
# Elements that stand open for what is inside them; the others of the report are void.
VOID = {"meta", "img", "wbr", "br"}


@dataclass
class Page(HTMLParser):
    """The elements of a page in order, with their attributes and the text inside."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    open_elements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open_elements.append(tag)

    def handle_endtag(self, tag):
        assert self.open_elements.pop() == tag

    def handle_data(self, data):
        if self.open_elements and self.open_elements[-1] not in ("script", "style"):
            self.text += data

    def of(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def parsed(html: bytes) -> Page:
    page = Page()
    page.feed(html.decode())
    page.close()
    assert page.open_elements == []
    page.text = re.sub(r"\s+", " ", page.text)
    return page


@pytest.fixture(scope="module")
def themes_report(tmp_path_factory, session_home) -> bytes:
    home = tmp_path_factory.mktemp("report") / "home"
    shutil.copytree(session_home / "datasets", home / "datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(home))
        patch.delenv("HEADSTART_DATABASE_URL", raising=False)
        store = open_store()
        import_recorded(store)
        return report_html(store, THEMES16)


@pytest.fixture(scope="module")
def themes(themes_report) -> Page:
    return parsed(themes_report)


@pytest.fixture
def store(home):  # noqa: ARG001 - sets the home
    found = open_store()
    store_experiment(found)
    return found


def store_hostile(store) -> None:
    """Hostile names everywhere that a name can be given; also in notes and errors."""
    pixels = np.random.default_rng(3).integers(0, 255, (96, 8, 8), dtype=np.uint8)
    dataset = add_pixels(pixels, np.arange(96) % 3, list(HOSTILE), "insects", "made for a test")
    spec = made_up.spec(
        dataset_id=dataset.id,
        strategies=(("cnn", {}), ("vgg16_probe", {})),
        dataset_name=HOSTILE_DATASET,
        classes=HOSTILE,
        majority_class=SCRIPT,
        majority_accuracy=0.375,
        unavailable={"vgg16_softmax": SCRIPT},
    )
    result = made_up.result(0.5, notes=(SCRIPT,), device=SCRIPT)
    epochs = (made_up.epoch(1), made_up.epoch(2))
    runs = [
        RecordedRun(strategy, seed, {}, result, epochs, MOMENT, MOMENT, MOMENT, (HOSTILE[0],))
        for strategy, seed in ANSWERS
    ]
    store.add_recorded(EXPERIMENT, spec, MOMENT, made_up.origin(SCRIPT), runs)
    for (strategy, seed), predicted in ANSWERS.items():
        write_predictions(
            run_id_of(EXPERIMENT, strategy, seed),
            Predictions(
                TEST_INDICES,
                LABELS,
                # The second strategy is right everywhere, so that there are flips to show.
                probabilities_of(predicted if strategy == "cnn" else LABELS.tolist()),
            ),
        )


def test_name_and_note_are_in_it_and_no_markup_that_anybody_typed(store):
    note = f"**bold** {SCRIPT} ![eye](https://evil.example/x.png) [it](https://example.org)"
    change_labels(store, EXPERIMENT, "ada", name=SCRIPT, note=note)
    page = parsed(report_html(store, EXPERIMENT))
    assert f"{SCRIPT}: experiment {EXPERIMENT}" in page.text
    assert f"bold {SCRIPT} ![eye](https://evil.example/x.png) it" in page.text
    assert page.of("img") == []
    assert [one for one in page.of("a") if not one["href"].startswith("#")] == [
        {"href": "https://example.org", "target": "_blank", "rel": "noopener noreferrer"}
    ]
    assert {"href": "#note"} in page.of("a")
    for nothing in ("[1]: https://example.org", ""):
        change_labels(store, EXPERIMENT, "ada", name="", note=nothing)
        page = parsed(report_html(store, EXPERIMENT))
        assert f"Experiment {EXPERIMENT}" in page.text
        assert {"href": "#note"} not in page.of("a")


def test_it_is_one_file_under_8_mb(themes_report, themes):
    assert len(themes_report) < MOST_BYTES
    sources = [attributes["src"] for attributes in themes.of("img", "script", "iframe", "source")
               if "src" in attributes]  # fmt: skip
    assert len(sources) == 10
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert themes.of("link", "iframe", "object", "base") == []
    targets = [attributes["href"] for attributes in themes.of("a")]
    ids = {attributes["id"] for _, attributes in themes.elements if "id" in attributes}
    assert all(target[0] == "#" and target[1:] in ids for target in targets)
    assert themes_report.count(b"plotly.js v") == 1


def test_every_metric_and_every_class_is_in_it(themes):
    assert "ROC AUC (%)" in themes.text
    assert "Every metric; means over the seeds." in themes.text
    assert "how well it ranks the images of the class" in themes.text
    # Sixteen classes have no curve of one of them.
    assert "ROC curve" not in themes.text


def test_where_it_helps_is_in_it_by_what_is_known(themes):
    assert {"id": "slices-title"} in themes.of("h2")
    assert "class “" in themes.text
    assert "whether the two differ in each of" in themes.text
    # Nobody had the pixels measured.
    assert "brightness" not in themes.text


@pytest.mark.usefixtures("home")
def test_two_classes_have_their_curves():
    labels = np.array([0, 0, 0, 1, 1], np.int32)
    row = np.array([0.1, 0.6, 0.2, 0.4, 0.9])
    found = classes(evidence_with(labels, np.stack([1 - row, row], 1)[np.newaxis], ("no", "yes")))
    assert list(found["curves"]) == ["ROC curve", "Precision and recall"]
    assert found["against"] == "“yes” against “no”"
    # Five of six pairs are in order.
    assert "ROC AUC 83.3 %" in found["curves"]["ROC curve"].words


def test_the_same_runs_give_the_same_bytes(store):
    assert report_html(store, EXPERIMENT) == report_html(store, EXPERIMENT)


def test_what_was_forecast_before_the_experiment_is_quoted_with_its_grade(store, monkeypatch):
    assert "was forecast" not in parsed(report_html(store, EXPERIMENT)).text
    quote = Quote(graded(0.02), False, None)
    monkeypatch.setattr(report, "quote_of", lambda *_: quote)
    assert describe_quote(quote) in parsed(report_html(store, EXPERIMENT)).text


def test_structure_that_assistive_technology_needs(themes):
    assert themes.of("html") == [{"lang": "en"}]
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        assert len(themes.of(landmark)) == 1
    levels = [int(tag[1]) for tag, _ in themes.elements if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 2, 2]
    assert {attributes["scope"] for attributes in themes.of("th")} == {"col", "row"}
    assert len(themes.of("caption")) == len(themes.of("table")) == 25
    charts = [attributes for attributes in themes.of("div") if attributes.get("role") == "img"]
    assert len(charts) == 16
    assert min(len(chart["aria-label"]) for chart in charts) > 100
    assert all(picture["alt"] for picture in themes.of("img"))
    ids = [attributes["id"] for _, attributes in themes.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert themes.elements[[tag for tag, _ in themes.elements].index("body") + 1] == (
        "a", {"class": "skip", "href": "#content"}
    )  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        # Of the three sentences at the top: tests/analysis/words holds how they are worded.
        "EfficientNet-Lite0, first layers frozen, gets 67.5 % of the 404 test images right and is "
        "48.9 points",
        "(95 % interval 43.1 to 54.4)",
        "these five: EfficientNet-Lite0, everything fine-tuned; VGG16, everything fine-tuned; "
        "EfficientNet-Lite0 probe; VGG16 probe; VGG16 features, dense head.",
        "One run of it takes 35.9 s",
        "SqueezeNet probe, takes 2.38 s and gets 50.7 % right.",
        "EfficientNet-Lite0 probe takes 4.50 s with 64.0 %",
        "VGG16 from random weights is no better than always predicting “people”.",
        "With 404 test images a difference under about 4 points",
        "EfficientNet-Lite0 probe fixed 134 test images that CNN, three blocks, got wrong, and "
        "regressed on 23 that it got right.",
        "33c64a8dc8b31189576fcbde795ce6f7f3d2bc239a98e783377e552bfc160957",
        "AMD EPYC, 2 cores",
        "keras 3.15.1",
        "vgg16_softmax was left out: vgg16_softmax needs the full VGG16 with fc1 and fc2",
        "4 sets of images that look the same appear in more than one class.",
        "python -m core run 256c1572ebfb --strategies majority,mlp,cnn,",
    ],
)
def test_what_is_said_of_themes16(themes, sentence):
    assert sentence in themes.text


@pytest.mark.usefixtures("home")
def test_hostile_names_are_shown_and_never_run():
    store = open_store()
    store_hostile(store)
    html = report_html(store, EXPERIMENT)
    page = parsed(html)
    for name in (*HOSTILE, HOSTILE_DATASET):
        assert name in page.text
    assert SCRIPT.encode() not in html
    assert b"<img src=x" not in html
    assert [image["src"][:5] for image in page.of("img")] == ["data:"] * 2
    assert any(SCRIPT in image["alt"] for image in page.of("img"))
    assert not any(name.startswith("on") for _, found in page.elements for name in found)


def test_a_dataset_that_is_gone_is_said_and_flips_are_listed(store):
    page = parsed(report_html(store, EXPERIMENT))
    assert page.text.count("The dataset shapes is no longer on this machine") == 2
    assert page.of("img") == []
    assert "VGG16 probe fixed 1 test images" not in page.text
    assert "The clearest disagreements, by the position of the image in the dataset." in page.text


def test_a_dataset_that_was_removed_since(tiny_dataset, store):
    spec = made_up.spec(dataset_id=tiny_dataset.id, dataset_name="tiny", classes=("a", "b", "c"))
    experiment_id = store.create_experiment(spec)
    assert "No problem was found in" in parsed(report_html(store, experiment_id)).text
    remove_dataset("tiny")
    assert "The dataset tiny is no longer on" in parsed(report_html(store, experiment_id)).text


def test_nothing_has_finished(store):
    page = parsed(report_html(store, store.create_experiment(made_up.spec())))
    assert all(sentence in page.text for sentence in NOTHING_YET)
    assert "Some of its runs have not finished yet" in page.text
    assert "No network was trained, so there are no curves." in page.text
    assert "MLP" not in page.text
    assert "CNN, three blocks, seed 1: queued." in page.text
    assert [attributes for attributes in page.of("div") if attributes.get("role") == "img"] == []


def test_predictions_that_are_missing_or_torn_are_said(store):
    predictions_path(f"{EXPERIMENT}-cnn-0").unlink()
    predictions_path(f"{EXPERIMENT}-cnn-1").write_bytes(b"torn")
    page = parsed(report_html(store, EXPERIMENT))
    assert f"The predictions of run {EXPERIMENT}-cnn-0 cannot be read" in page.text
    assert f"The predictions of run {EXPERIMENT}-cnn-1 cannot be read" in page.text
    assert "There are no two strategies whose predictions could be compared." in page.text


def test_one_seed_is_said(home):  # noqa: ARG001 - sets the home
    store = open_store()
    spec = made_up.spec(
        strategies=(("cnn", {}),), seeds=(0,), classes=("ant", "bee", "cat"), majority_class="ant"
    )
    experiment_id = store.create_experiment(spec)
    run = store.claim_next("worker")
    assert run is not None
    answers = ANSWERS["cnn", 0]
    write_predictions(run.id, Predictions(TEST_INDICES, LABELS, probabilities_of(answers)))
    store.finish_run(run.id, made_up.result(0.5))
    text = parsed(report_html(store, experiment_id)).text
    assert "(difference 25.0 points, one seed, 95 % interval" in text
    assert "one seed" in text.split("Test accuracy: mean, spread and every seed.")[1]


def test_an_unknown_experiment_is_named(store):
    with pytest.raises(UnknownName, match="no experiment named 'nope'"):
        report_html(store, "nope")


def test_many_classes_have_a_list_of_mistakes_and_not_a_matrix():
    classes = tuple(f"class {number:02d}" for number in range(40))
    labels = list(range(40))
    found = hand_made.evidence(labels, {"cnn": [[*labels[:-1], 3]]}, classes)
    section = confusion_matrix(found)
    assert section["left_out"] == (
        "There are 40 classes. The chart shows the 30 with most mistakes; the exported tables "
        "have all of them."
    )
    # Without a size Plotly fits the numbers into their cells, on paper too.
    numbers = list(section["chart"].figure.select_traces({"texttemplate": "%{text}"}))
    assert [trace.textfont.size for trace in numbers] == [None, None]
    assert section["matrix"] is None
    assert section["mistakes"].to_numpy().tolist() == [["class 39", "class 03", "1"]]


@pytest.mark.parametrize(
    ("heading", "value", "text"),
    [
        ("gain (points)", 25.0, "25.0"),
        ("gain (points)", -0.04, "-0.0"),
        ("whole run (s)", 93.4, "1 min 33 s"),
        ("head (s)", 0.0, UNKNOWN),
        ("epochs", 15.0, "15"),
        ("parameters", 14788432, "14,788,432"),
        ("log loss (nats)", 2.651, "2.65"),
        ("p after Holm", 0.0123, "p = 0.012"),
        ("peak memory (MB)", float("nan"), UNKNOWN),
        ("over", "", UNKNOWN),
        ("low (%)", None, UNKNOWN),
        ("units", pd.NA, UNKNOWN),
        ("known", True, "yes"),
    ],
)
def test_cells(heading, value, text):
    assert cell_text(heading, value) == text


def test_columns_of_numbers_are_set_to_the_right():
    rows = (("ant", "1.5 s", "never", "—"), ("bee", "—", "3 s", "< 1"))
    assert Table(("a", "b", "c", "d"), rows).numeric == (False, True, False, True)


def test_long_words_can_be_broken_and_stay_text():
    assert breakable("a" * 24 + " <b>") == "a" * 24 + " &lt;b&gt;"
    assert breakable("b" * 25) == "b" * 10 + "<wbr>" + "b" * 10 + "<wbr>" + "b" * 5
    assert str(breakable("<" * 25)).count("&lt;") == 25


def test_a_table_is_markdown_whatever_names_hold():
    frame = pd.DataFrame(
        {
            "class | kind": ["a | b\nc", "**bold** [x](http://x)"],
            "time (s)": [1.5, None],
            "accuracy (%)": [87.54, 50.0],
        }
    )
    assert markdown_table(frame) == (
        "| class \\| kind | time | accuracy (%) |\n"
        "| --- | ---: | ---: |\n"
        "| a \\| b c | 1.50 s | 87.5 |\n"
        "| \\*\\*bold\\*\\* \\[x\\](http\u2060://x) | — | 50.0 |\n"
    )
