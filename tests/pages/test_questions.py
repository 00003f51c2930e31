"""The page Datasets: what an import asks, and the answers."""

from itertools import product

import pytest

from core.datasets.storage import open_dataset
from core.experiments.imports import list_imports
from core.experiments.store import open_store
from tests.datasets.pictures import noise_png
from tests.pages.conftest import button, open_cold, press, upload, words, zipped


@pytest.mark.usefixtures("at_once")
def test_unclear_columns_are_asked_for_and_read_again():
    names = [f"p{number}.png" for number in range(12)]
    rows = [f"{name},{'ab'[n % 2]},{'xy'[n % 2]}{n % 3}" for n, name in enumerate(names)]
    members = {name: noise_png(number) for number, name in enumerate(names)}
    table = "\n".join(["one,two,three", *rows]).encode()
    app = upload(open_cold("datasets"), ("pets.zip", zipped(members | {"t.csv": table})))
    (entry,) = list_imports(open_store())
    assert entry.question is not None, entry.error
    assert "These are its first lines" in words(app)
    assert app.dataframe[0].value.columns.tolist() == ["one", "two", "three"]
    assert app.dataframe[0].value.iloc[0].tolist() == ["p0.png", "a", "x0"]
    assert button(app, "Read it as chosen").disabled
    app.selectbox(key=f"label_column.t.csv.{entry.id}").set_value("two").run()
    app.selectbox(key=f"file_column.t.csv.{entry.id}").set_value("one").run()
    app = press(app, "Read it as chosen")
    assert not app.error
    assert open_dataset("pets").classes == ("a", "b")


@pytest.mark.usefixtures("at_once")
def test_the_files_are_kept_to_be_read_another_way():
    members = {f"{name}_{n}/{n}_{name}.png": noise_png(n) for n in range(6) for name in ("a", "b")}
    members = {name: noise_png(place) for place, name in enumerate(members)}
    upload(open_cold("datasets"), ("pets.zip", zipped(members)))
    first = open_dataset("pets")
    assert len(first.classes) == 12
    app = open_cold("datasets", dataset=first.folder.name, section="Manage")
    app = press(app, "Read it another way")
    (asking, _) = list_imports(open_store())
    (offer,) = asking.question.offers
    assert (offer.class_count, offer.image_count) == (12, 12)
    app.segmented_control(key=f"way.{asking.id}").set_value("The file names").run()
    app.text_input(key=f"pattern.{asking.id}").set_value("*_{class").run()
    assert "must have" in app.error[0].value
    assert button(app, "Read it as chosen").disabled
    app.text_input(key=f"pattern.{asking.id}").set_value("*_{class}").run()
    assert "**a**" in words(app)
    app.segmented_control(key=f"way.{asking.id}").set_value("The folders").run()
    app.multiselect(key=f"leave.{asking.id}").set_value(["a_0", "b_*"]).run()
    app = press(app, "Read it as chosen")
    assert not app.error
    second = open_dataset("pets (2)")
    assert second.classes == ("a_1", "a_2", "a_3", "a_4", "a_5")
    assert second.reading.choice.leave_out == ("a_0", "b_*")
    assert open_dataset(first.id).classes == first.classes


TWO_LEVELS = {
    f"{colour}/{thing}/{number}.png": noise_png(100 * place + number)
    for place, (colour, thing) in enumerate(product(("blue", "red"), ("bowl", "mug")))
    for number in range(3)
}


@pytest.mark.usefixtures("at_once")
def test_a_choice_that_does_not_fit_is_refused_and_asked_again():
    upload(open_cold("datasets"), ("kitchen.zip", zipped(TWO_LEVELS)))
    (entry,) = list_imports(open_store())
    ways = [offer.title for offer in entry.question.offers]
    assert len(ways) > 1
    app = open_cold("datasets")
    app.segmented_control(key=f"way.{entry.id}").set_value("The file names").run()
    assert "left out: it does not fit" in words(app)
    app = press(app, "Read it as chosen")
    assert not app.exception
    assert "fits none of the 12 names of images" in app.error[0].value
    (again,) = list_imports(open_store())
    assert [offer.title for offer in again.question.offers] == ways
    app = app.button(key=f"offer.1.{entry.id}").click().run()
    assert not app.error
    assert open_dataset("kitchen").classes == ("blue", "red")


@pytest.mark.usefixtures("at_once")
def test_what_a_card_says_in_its_title_is_not_said_again():
    rows = [f"{n}.png,{('sky', 'sea', 'sky;sea')[n % 3]}" for n in range(12)]
    members = {f"{n}.png": noise_png(n) for n in range(12)}
    table = "\n".join(["file,labels", *rows]).encode()
    app = upload(open_cold("datasets"), ("beach.zip", zipped(members | {"t.csv": table})))
    text = words(app).replace("\\", "")
    assert text.count("4 of 12 images have several labels (sky and sea), and are left out") == 1
    assert text.count("Headstart learns one class per image.") == 3
