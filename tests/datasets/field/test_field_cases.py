"""Situations from the field, rebuilt small: each is read rightly, asked about, or told.

F10 (``predict.py`` of a kept model) is tested in ``tests/reports/test_export_model.py``, F11
(features of the images that a run uses) in ``tests/backbones/test_features.py`` and the engine's.
"""

from pathlib import Path

import pytest

from core.experiments.uploads import keep_upload
from core.settings import PROJECT_ROOT
from tests.datasets.field import (
    archives,
    arrays,
    folders,
    formats,
    kinds,
    labelling_tools,
    layouts,
    packages,
    tables,
)
from tests.datasets.field.expecting import Case, outcome_of, problem_with, word_for
from tests.datasets.field.not_yet import NOT_YET

CASES = archives.CASES | folders.CASES | tables.CASES | arrays.CASES | formats.CASES | kinds.CASES
DOCUMENTED = layouts.CASES | labelling_tools.CASES
DOCUMENT = PROJECT_ROOT / "docs" / "layouts.md"
# Cases of the field that are rows of the document, too.
ROWS = {
    "B40": "Edge Impulse",
    "C20": "SageMaker .lst",
    "D1a": "MedMNIST",
    "D4a": "Hugging Face Parquet",
    "G16a": "SageMaker Ground Truth",
}
AS_THEY_LIE = packages.CASES


def marked(name: str) -> object:
    marks = [pytest.mark.xfail(reason=NOT_YET[name], strict=False)] if name in NOT_YET else []
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [marked(name) for name in CASES])
@pytest.mark.usefixtures("home")
def test_what_a_case_comes_to(name: str, tmp_path: Path) -> None:
    word = check(CASES[name], tmp_path)
    if name in ROWS:
        check_document(ROWS[name], word)


@pytest.mark.parametrize("name", [marked(name) for name in DOCUMENTED])
@pytest.mark.usefixtures("home")
def test_a_documented_layout(name: str, tmp_path: Path) -> None:
    check_document(name, check(DOCUMENTED[name], tmp_path))


@pytest.mark.parametrize("name", [marked(name) for name in AS_THEY_LIE])
@pytest.mark.usefixtures("home")
def test_a_folder_as_it_lies_in_a_package(name: str, tmp_path: Path) -> None:
    check(AS_THEY_LIE[name], tmp_path)


def documented_words() -> dict[str, str]:
    """What the document says of each layout: read, asked or refused."""
    rows = (line.split(" | ") for line in DOCUMENT.read_text().splitlines())
    return {row[0].removeprefix("| "): row[2].lower() for row in rows if len(row) == 4}


def check_document(layout: str, word: str) -> None:
    written = documented_words()[layout]
    assert written == word, f"docs/layouts.md says of {layout}: {written}; it is {word} now"


def check(found: Case, folder: Path) -> str:
    """Assert that it comes to what it must; return whether it was read, asked or refused."""
    given = found.build(folder)
    if isinstance(given, list):  # dropped together on the page
        streams = [(path.name, path.open("rb")) for path in given]
        given = keep_upload("a1", streams).path
        for _, stream in streams:
            stream.close()
    outcome = outcome_of(given, found.chosen)
    problem = problem_with(found, outcome, given)
    assert problem is None, problem
    return word_for(outcome)


def test_the_document_has_every_layout_and_no_other() -> None:
    known = DOCUMENTED.keys() | set(ROWS.values()) | {"layout", "Roboflow _classes.csv"}
    assert documented_words().keys() == known


def test_what_is_not_right_yet_is_a_case() -> None:
    assert NOT_YET.keys() <= CASES.keys() | DOCUMENTED.keys() | AS_THEY_LIE.keys()
