import io
import zipfile

import numpy as np
import pytest

from core.datasets.export import export_zip
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.errors import BadInput, UnknownName
from core.experiments.labels import Labels, OwnSlice, change_labels, history
from core.experiments.records import run_id_of
from core.experiments.removal import remove_experiments
from core.experiments.run_files import read_predictions, weights_path, write_weights
from core.experiments.sharing import export_file, import_file
from core.experiments.store import Store, open_store
from core.settings import current_settings
from tests.pages.compared import EXPERIMENT, add_hostile, store_compared

WEIGHTED = run_id_of(EXPERIMENT, "cnn", 0)


@pytest.fixture
def exported(arrows_store: Store, tmp_path):
    store_compared(arrows_store, open_dataset("arrows"))
    write_weights(WEIGHTED, {"kernel": np.float32([[0.1, 0.2]])})
    file = tmp_path / "shared.zip"
    export_file(arrows_store, EXPERIMENT, file)
    return file


def test_it_is_the_same_elsewhere_to_the_last_bit(arrows_store, exported, tmp_path, monkeypatch):
    before = arrows_store.experiment(EXPERIMENT), arrows_store.runs(EXPERIMENT)
    epochs = arrows_store.epochs(WEIGHTED)
    answers = {run.id: read_predictions(run.id) for run in before[1]}
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    store = open_store()
    assert import_file(store, exported) == EXPERIMENT
    assert list(current_settings().imports_folder.iterdir()) == []
    assert store.experiment(EXPERIMENT).spec == before[0].spec
    assert [run.result for run in store.runs(EXPERIMENT)] == [run.result for run in before[1]]
    assert store.epochs(WEIGHTED) == epochs
    for run_id, expected in answers.items():
        found = read_predictions(run_id)
        assert np.array_equal(found.probabilities, expected.probabilities)
        assert np.array_equal(found.test_indices, expected.test_indices)
    assert weights_path(WEIGHTED).is_file()
    with pytest.raises(BadInput, match="is here already"):
        import_file(store, exported)


def test_what_people_wrote_goes_with_it_and_how_it_was_kept_does_not(
    arrows_store, tmp_path, monkeypatch
):
    store_compared(arrows_store, open_dataset("arrows"))
    dark = OwnSlice("dark", ("class.0", "brightness.0"))
    written = {"name": "Wings", "note": "**seen**\ntwice", "tags": ["demo"], "slices": [dark]}
    kept = {"archived": True, "pinned": True, "reviewed": True, "owner": "ada@example.org"}
    change_labels(arrows_store, EXPERIMENT, "ada", **written, **kept)
    file = tmp_path / "shared.zip"
    export_file(arrows_store, EXPERIMENT, file)
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    store = open_store()
    import_file(store, file)
    labels = store.experiment(EXPERIMENT).labels
    assert labels == Labels("Wings", "**seen**\ntwice", ("demo",), (dark,))
    assert {one.changed_by for one in history(store, EXPERIMENT)} == {"came with it"}


@pytest.mark.usefixtures("exported")
def test_the_images_come_with_it_where_somebody_wants_that(arrows_store, tmp_path, monkeypatch):
    arrows = open_dataset("arrows")
    file = tmp_path / "with-images.zip"
    export_file(arrows_store, EXPERIMENT, file, with_images=True)
    others = io.BytesIO()
    export_zip(add_hostile(), others)
    remove_dataset("arrows")
    with pytest.raises(UnknownName):
        export_file(arrows_store, EXPERIMENT, tmp_path / "again.zip", with_images=True)
    assert not (tmp_path / "again.zip").exists()

    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    store = open_store()
    changed = other(file, lambda files: files | {"images.zip": others.getvalue()})
    with pytest.raises(BadInput, match="not those of its experiment"):
        import_file(store, changed)
    assert (store.experiment_ids(), list_datasets()) == ([], [])
    # On the page a job adds them: what it is given, and that the experiment does not wait.
    given = []
    assert import_file(store, file, lambda *known: given.append(known[1:])) == EXPERIMENT
    assert given == [(arrows.id, "arrows")]

    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "a-third"))
    assert import_file(open_store(), file) == EXPERIMENT
    added = open_dataset("arrows")
    assert (added.id, added.provenance) == (arrows.id, "came with an experiment")
    assert np.array_equal(added.labels, arrows.labels)


def test_a_damaged_file_is_refused(arrows_store, exported):
    damaged = bytearray(exported.read_bytes())
    damaged[len(damaged) // 3] ^= 0xFF
    with pytest.raises(BadInput, match="damaged, or no zip"):
        import_file(arrows_store, io.BytesIO(bytes(damaged)))
    locked = bytearray(exported.read_bytes())
    locked[locked.index(b"PK\x01\x02") + 8] |= 1  # its list of files says: encrypted
    with pytest.raises(BadInput, match="damaged, or no zip"):
        import_file(arrows_store, io.BytesIO(bytes(locked)))


def other(exported, change) -> io.BytesIO:
    """The export with its files as ``change`` makes them."""
    with zipfile.ZipFile(exported) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in change(files).items():
            archive.writestr(name, content)
    return written


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _files: {"photo.png": b"x"}, "no experiment of Headstart"),
        (lambda files: files | {"../evil.txt": b"x"}, "what no export has"),
        (lambda files: files | {"weights/../../evil.npz": b"x"}, "what no export has"),
        (lambda files: files | {"experiment.json": b"{half"}, "no experiment that can be read"),
        (lambda files: files | {"predictions.npz": b"x"}, "no experiment that can be read"),
        (
            lambda files: (
                files
                | {
                    "experiment.json": files["experiment.json"].replace(
                        b'"cccc3333"', b'"../../evil"'
                    )
                }
            ),
            "names that no export has",
        ),
        (
            lambda files: (
                files
                | {
                    "experiment.json": files["experiment.json"].replace(
                        b'"labels": {}', b'"labels": {"name": "two\\nlines"}'
                    )
                }
            ),
            "A name is one line of at most 80 letters",
        ),
    ],
)
def test_another_file_is_refused_and_nothing_is_stored(
    exported, tmp_path, monkeypatch, change, words
):
    file = other(exported, change)
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    store = open_store()
    with pytest.raises(BadInput, match=words):
        import_file(store, file)
    with pytest.raises(BadInput, match="damaged, or no zip"):
        import_file(store, io.BytesIO(b"no zip"))
    assert store.experiment_ids() == []
    assert not (tmp_path / "evil.txt").exists()


def test_what_is_here_already_is_left_as_it_is(arrows_store, exported):
    path = weights_path(WEIGHTED)
    write_weights(WEIGHTED, {"kernel": np.float32([[7, 7]])})
    before = path.read_bytes(), read_predictions(WEIGHTED)
    changed = other(exported, lambda files: files | {"weights/cnn-0.npz": b"another"})
    with pytest.raises(BadInput, match=r"is here already\.$"):
        import_file(arrows_store, changed)
    remove_experiments(arrows_store, [EXPERIMENT], "ada")
    with pytest.raises(BadInput, match="removed within the hour: take it back"):
        import_file(arrows_store, changed)
    assert path.read_bytes() == before[0]
    assert np.array_equal(read_predictions(WEIGHTED).probabilities, before[1].probabilities)


def test_an_import_that_fails_leaves_no_file(arrows_store, exported, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    store = open_store()
    monkeypatch.setattr(store, "add_recorded", lambda *_given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_file(store, exported)
    assert list(current_settings().runs_folder.iterdir()) == []
    assert list(current_settings().imports_folder.iterdir()) == []
    assert arrows_store.experiment_ids() == [EXPERIMENT]
