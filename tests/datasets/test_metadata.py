"""Columns that came with the images: which are kept, from which files, and for which images."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.analysis.measured import divided_origins
from core.datasets.add import add_dataset
from core.datasets.export import export_zip
from core.datasets.health.findings import findings
from core.datasets.metadata import SharedOrigin, column_of
from core.datasets.reading_choice import Choice
from core.datasets.split import always_kept_together, kept_together, make_split
from core.datasets.storage import open_dataset, remove_dataset
from core.datasets.versions import Changes, make_version
from tests.datasets.pictures import noise_png, tied_patients, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")

EACH = 20
MEMBERS = two_classes(EACH)
NAMES = list(MEMBERS)
AGES = dict(zip(NAMES, range(30, 30 + len(NAMES)), strict=True))
SITES = {name: ("north", "south", "")[at % 3] for at, name in enumerate(NAMES)}


def table(separator=",", names=NAMES) -> bytes:
    """A row for each image, in another order than that of the images."""
    lines = [["file_name", "id", "label", "age", "site", "remark", "sha256"]]
    lines += [
        [
            name,
            str(at),
            name.split("/")[0],
            str(AGES[name]),
            SITES[name],
            f"seen {at // 2}",
            f"{at}abc",
        ]
        for at, name in enumerate(reversed(names))
    ]
    return "\n".join(separator.join(line) for line in lines).encode()


def added(tmp_path, members):
    return add_dataset(write_zip(tmp_path / "pets.zip", members))


def of_patients(images_of_one: int, column="PatientID", split=None) -> bytes:
    """A table with so many images in a row of each patient; ``split`` names the subset of each."""
    header = ["file", "label", column, *(["split"] if split else [])]
    lines = [header] + [
        [name, name.split("/")[0], f"P{at // images_of_one}", *([split(at)] if split else [])]
        for at, name in enumerate(NAMES)
    ]
    return "\n".join(map(",".join, lines)).encode()


@pytest.mark.parametrize("column", ["PatientID", "lesion_id", "Subject", "SeriesInstanceUID"])
def test_images_of_one_patient_are_told(tmp_path, column):
    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4, column)})
    assert dataset.health.shared_origins == (SharedOrigin(column, 10, 40, None),)
    (found,) = (entry for entry in findings(dataset) if entry.kind == "kept_together")
    assert found.title == f"Several images have the same '{column}': 10 values on 40 images."
    assert found.severity == "note"
    assert found.advice == (
        "Headstart's split keeps images with the same value together, so models are tested on"
        " values that were not in training. Nothing needs to be done."
    )
    assert dataset.origins is not None
    assert_together(dataset)
    version = make_version(dataset, Changes(drop_images=(0, 1, 2, 3, 4)))
    assert_together(open_dataset(version.id))
    assert open_dataset(version.id).health.shared_origins == dataset.health.shared_origins


def assert_together(dataset):
    """Whatever the seed, no patient is in two subsets, and every class is in each."""
    assert always_kept_together(dataset)
    for seed in range(10):
        split = make_split(dataset, 0.3, 0.2, seed)
        assert divided_origins(dataset, split) == 0
        subsets = (split.train, split.validation, split.test)
        patients = [set(dataset.origins[subset].tolist()) for subset in subsets]
        assert sum(map(len, patients)) == len(set(dataset.origins.tolist()))
        for subset in subsets:
            assert np.bincount(dataset.labels[subset], minlength=2).min() > 0


def test_an_export_keeps_patients_together(tmp_path):
    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4)})
    plain = added(tmp_path, MEMBERS)
    assert plain.id != dataset.id
    fingerprint = make_split(dataset, 0.3, 0.2, 0).fingerprint
    with open(tmp_path / "export.zip", "wb") as target:
        export_zip(dataset, target)
    remove_dataset(dataset.id)
    again = add_dataset(tmp_path / "export.zip")
    assert again.id == dataset.id
    assert make_split(again, 0.3, 0.2, 0).fingerprint == fingerprint
    assert again.metadata == ()


def test_patients_too_few_to_be_kept_together_are_a_warning(tmp_path):
    """Of the cats there are two: one would have to be in two subsets."""
    rows = [
        f"{name},{name.split('/')[0]},P{at // 10 if at < EACH else at // 4}"
        for at, name in enumerate(NAMES)
    ]
    table = "\n".join(["file,label,patient", *rows]).encode()
    dataset = added(tmp_path, MEMBERS | {"labels.csv": table})
    assert dataset.health.shared_origins == (SharedOrigin("patient", 7, 40, None),)
    (found,) = (entry for entry in findings(dataset) if entry.kind == "shared_origin")
    assert found.severity == "warning"
    assert found.advice == (
        "Models may be tested on values that were in training, so results may look too good for"
        " new ones. Images with the same value cannot be kept together, because a class has too few"
        " values, or a value too many images. Add images with other values, or take the results"
        " for what they are."
    )
    assert kept_together(dataset) is dataset.groups
    assert len(make_split(dataset, 0.3, 0.2, 0).test) == 12


def test_that_patients_who_tie_classes_stay_together_is_not_promised(tmp_path):
    dataset = added(tmp_path, tied_patients())
    assert kept_together(dataset) is not dataset.groups
    (found,) = (entry for entry in findings(dataset) if entry.kind == "kept_together")
    assert found.advice == (
        "Headstart's split keeps images with the same value together as long as every class can"
        " still be in every subset. How it is measured says of each experiment whether it did."
    )
    for seed in range(3):
        assert divided_origins(dataset, make_split(dataset, 0.3, 0.2, seed)) > 0


def test_columns_that_overlap_are_joined(tmp_path):
    """The same lesion in two sessions, and two lesions of one patient."""
    header = "file,label,session,lesion"
    sessions = [at // 2 for at in range(40)]
    lesions = [f"L{(at + 1) // 2}" if at % 4 in (1, 2) else "" for at in range(40)]
    rows = [
        f"{name},{name.split('/')[0]},S{session},{lesion}"
        for name, session, lesion in zip(NAMES, sessions, lesions, strict=True)
    ]
    table = "\n".join([header, *rows]).encode()
    dataset = added(tmp_path, MEMBERS | {"labels.csv": table})
    assert [one.column for one in dataset.health.shared_origins] == ["session", "lesion"]
    sizes = np.bincount(kept_together(dataset))
    assert sizes.tolist() == [4] * 10


@pytest.mark.parametrize("header", ["PatientID,SeriesNumber", "SeriesNumber,PatientID"])
def test_numbers_that_begin_again_with_each_patient_tie_no_patients_together(tmp_path, header):
    cells = [
        {"PatientID": f"P{at // 5}", "SeriesNumber": str(at % 5 + 1)} for at in range(len(NAMES))
    ]
    rows = [
        ",".join([name, name.split("/")[0], *(row[column] for column in header.split(","))])
        for name, row in zip(NAMES, cells, strict=True)
    ]
    table = "\n".join([f"file,label,{header}", *rows]).encode()
    dataset = added(tmp_path, MEMBERS | {"labels.csv": table})
    assert dataset.health.shared_origins == (SharedOrigin("PatientID", 8, 40, None),)
    assert np.bincount(kept_together(dataset)).tolist() == [5] * 8


def test_a_patient_on_most_images_is_a_warning_beside_whole_series_too(tmp_path):
    rows = [
        f"{name},{name.split('/')[0]},P{max(0, at // 2 - 15)},S{at // 2}"
        for at, name in enumerate(NAMES)
    ]
    table = "\n".join(["file,label,patient,series", *rows]).encode()
    dataset = added(tmp_path, MEMBERS | {"labels.csv": table})
    assert [one.column for one in dataset.health.shared_origins] == ["patient", "series"]
    assert kept_together(dataset) is dataset.groups


def test_a_version_tells_of_patients_only_what_is_still_so(tmp_path):
    def apart(at: int) -> str:
        return "test" if at in (0, 4, 5, 20, 21, 22, 23) else "train"

    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4, split=apart)})

    def origins_without(*images: int) -> tuple[SharedOrigin, ...]:
        places = tuple(dataset.file_names.index(NAMES[at]) for at in images)
        return make_version(dataset, Changes(drop_images=places)).health.shared_origins

    assert origins_without(1) == (SharedOrigin("PatientID", 10, 40, 2),)
    assert origins_without(0, 4, 5) == (SharedOrigin("PatientID", 10, 40, 0),)
    assert origins_without(0, 4, 5, 20, 21, 22, 23) == (SharedOrigin("PatientID", 10, 40, None),)
    assert origins_without(*(at for at in range(40) if at % 4)) == ()


def test_a_split_that_is_not_used_does_not_hide_that_patients_are_kept_together(tmp_path):
    table = of_patients(4, split=lambda _: "train")
    dataset = added(tmp_path, MEMBERS | {"labels.csv": table})
    assert dataset.predefined_subsets is None
    assert dataset.health.shared_origins == (SharedOrigin("PatientID", 10, 40, None),)
    assert "kept_together" in [entry.kind for entry in findings(dataset)]


def test_a_split_that_keeps_patients_together_is_left_in_peace(tmp_path):
    def together(at: int) -> str:
        return "test" if at // 4 % 5 == 0 else "train"

    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4, split=together)})
    assert dataset.health.shared_origins == (SharedOrigin("PatientID", 10, 40, 0),)
    assert "shared_origin" not in [entry.kind for entry in findings(dataset)]


def test_patients_in_training_and_test_are_counted(tmp_path):
    def apart(at: int) -> str:
        return "test" if at in (0, 4, 5, 20, 21, 22, 23) else "train"

    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4, split=apart)})
    (found,) = (entry for entry in findings(dataset) if entry.kind == "shared_origin")
    assert found.title == (
        "2 of 10 values of 'PatientID' have images in more than one subset of the split that came"
        " with the dataset."
    )
    assert found.advice == (
        "Models may be tested on values that were in training, so results may look too good for"
        " new ones. Let Headstart make its own split, which keeps images with the same value"
        " together."
    )


def test_one_patient_in_training_and_test_reads_as_one(tmp_path):
    def apart(at: int) -> str:
        return "test" if at in (0, 4, 5, 6, 7, 20, 21, 22, 23) else "train"

    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(4, split=apart)})
    (found,) = (entry for entry in findings(dataset) if entry.kind == "shared_origin")
    assert found.title == (
        "1 of 10 values of 'PatientID' has images in more than one subset of the split that came"
        " with the dataset."
    )


def test_people_who_are_the_classes_are_nothing_to_tell(tmp_path):
    images = {f"{at}.png": data for at, data in enumerate(MEMBERS.values())}
    people = [f"{name},P{at // 4}" for at, name in enumerate(images)]
    lines = "\n".join(["file,person", *people]).encode()
    members = images | {"labels.csv": lines}
    choice = Choice(label_column="person")
    dataset = add_dataset(write_zip(tmp_path / "faces.zip", members), choice=choice)
    assert len(dataset.classes) == 10
    assert dataset.health.shared_origins == ()


def test_one_image_of_each_patient_is_nothing_to_tell(tmp_path):
    dataset = added(tmp_path, MEMBERS | {"labels.csv": of_patients(1)})
    assert dataset.health.shared_origins == ()


def assert_described(dataset, between="/"):
    """``between``: what stands in the names of its files in place of the slash."""
    assert [(one.name, one.words) for one in dataset.metadata] == [
        *(("age", None), ("site", ("north", "south")))
    ]
    age, site = (one.values for one in dataset.metadata)
    names = [
        name.split("/", int(between != "/"))[-1].replace(between, "/")
        for name in dataset.file_names
    ]
    assert age.tolist() == [AGES[name] for name in names]
    known = {"north": 0.0, "south": 1.0}
    assert [known.get(SITES[name]) for name in names] == [
        None if np.isnan(value) else value for value in site
    ]


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_a_table_beside_class_folders_describes_the_images(tmp_path):
    dataset = added(tmp_path, MEMBERS | {"about.csv": table()})
    assert_described(dataset)
    assert_described(open_dataset(dataset.id))
    notes = dataset.health.notes
    assert "Kept to cut results by, and never used in training: age, site." in notes
    assert "Not kept, because results cannot be cut by so many different texts: remark." in notes


def test_the_id_does_not_depend_on_it(tmp_path):
    plain = added(tmp_path, MEMBERS)
    assert plain.metadata == ()
    assert added(tmp_path, MEMBERS | {"about.csv": table(";")}).id == plain.id


def test_a_table_of_labels_may_say_more_than_the_label(tmp_path):
    flat = {name.replace("/", "_"): data for name, data in MEMBERS.items()}
    dataset = added(tmp_path, flat | {"labels.csv": table().replace(b"s/", b"s_")})
    assert dataset.class_counts == {"cats": EACH, "dogs": EACH}
    assert_described(dataset, "_")


def test_a_parquet_table_beside_the_images_describes_them(tmp_path):
    about = parquet(image=NAMES, age=[AGES[name] for name in NAMES], site=list(SITES.values()))
    assert_described(added(tmp_path, MEMBERS | {"about.parquet": about}))


def test_parquet_files_with_images_have_columns_of_their_own(tmp_path):
    cells = [{"bytes": data, "path": name.replace("/", "-")} for name, data in MEMBERS.items()]
    labels = [name.split("/")[0] for name in NAMES]
    whole = parquet(image=cells, label=labels, age=list(AGES.values()), site=list(SITES.values()))
    dataset = added(tmp_path, {"pets.parquet": whole})
    assert_described(dataset, "-")


def test_lines_of_json_in_each_subset_are_read_as_one(tmp_path):
    members = {}
    for subset, count in (("train", 24), ("test", 12)):
        records = []
        for at in range(count):
            members[f"{subset}/{at}.png"] = noise_png(100 * count + at)
            label = ("cat", "dog")[at % 2]
            records.append({"file_name": f"{at}.png", "label": label, "site": "ab"[at // 2 % 2]})
        lines = "\n".join(map(json.dumps, records))
        members[f"{subset}/metadata.jsonl"] = lines.encode()
    (site,) = added(tmp_path, members).metadata
    assert (site.name, site.words) == ("site", ("a", "b"))
    assert np.bincount(site.values.astype(int)).tolist() == [18, 18]


def test_images_that_cannot_be_read_leave_the_others_theirs(tmp_path):
    broken = NAMES[3]
    members = MEMBERS | {broken: MEMBERS[broken][:50], "about.csv": table()}
    dataset = added(tmp_path, members)
    assert dataset.image_count == 2 * EACH - 1
    assert_described(dataset)


def test_a_version_keeps_what_is_known_of_its_images(tmp_path):
    dataset = added(tmp_path, MEMBERS | {"about.csv": table()})
    version = make_version(dataset, Changes(drop_images=(0, 7, 30)))
    assert version.image_count == 2 * EACH - 3
    assert_described(version)


def test_a_damaged_table_gives_one_sentence_and_the_images_are_there(tmp_path):
    members = MEMBERS | {"about.parquet": b"PAR1" + bytes(40) + b"PAR1"}
    dataset = added(tmp_path, members)
    assert dataset.image_count == 2 * EACH
    (note,) = [note for note in dataset.health.notes if "about.parquet" in note]
    assert note.startswith("about.parquet was not read for what it says of the images.")
    assert "cut short or damaged" in note


def test_a_table_about_few_images_is_about_something_else(tmp_path):
    few = b"\n".join(table().splitlines()[:12])
    dataset = added(tmp_path, MEMBERS | {"about.csv": few})
    assert dataset.metadata == ()
    assert not [note for note in dataset.health.notes if "Kept to cut" in note]


@pytest.mark.parametrize(
    ("cells", "words", "values"),
    [
        (["b", "a", "", "n/a"], ("a", "b"), [1, 0, None, None]),
        (["10", "9", "10"], ("9", "10"), [1, 0, 1]),
        ([f"{at},5" for at in range(13)], None, [at + 0.5 for at in range(13)]),
        (["7"] * 5, "nothing", None),
        ([f"text {at}" for at in range(13)], "nothing", None),
        (["x" * 61, "y"], "nothing", None),
        (["right\u202eleft", "y"], "nothing", None),
        ([*map(str, range(13)), "inf"], "nothing", None),
    ],
)
def test_a_column_of_few_values_or_of_numbers(cells, words, values):
    column = column_of("it", cells)
    if words == "nothing":
        assert column is None
        return
    assert column is not None
    assert column.words == words
    assert [None if np.isnan(value) else value for value in column.values] == values
