"""What is typed wrong is named, with what is known, and stores nothing."""

import pytest

from core.experiments.store import Store
from tests.cli.conftest import TypeIt

pytestmark = pytest.mark.usefixtures("home", "no_showcase")

UNKNOWN = [
    (("run", "nope"), "no dataset named 'nope'. Known: arrows"),
    (("run", "arrows", "--strategies", "mlp,nope"), "no strategy named 'nope'. Known: cnn, "),
    (("run", "arrows", "--backbones", "vgg16,nope"), "no backbone named 'nope'. Known: "),
    (("run", "arrows", "--preset", "nope"), "no preset named 'nope'. Known: article, best, quick"),
    (
        ("run", "arrows", "--strategies", "mlp", "--set", "mlp.nope=1"),
        "no setting of mlp named 'nope'. Known: augment, batch_size, class_weights, dropout",
    ),
    (("run", "arrows", "--set", "nope.epochs=1"), "no strategy named 'nope'. Known: cnn, "),
    (("run", "arrows", "--resize", "nope"), "no resize named 'nope'. Known: crop, pad, stretch"),
    (("run", "arrows", "--precision", "nope"), "no precision named 'nope'. Known: auto, float32"),
    (("datasets", "show", "nope"), "no dataset named 'nope'. Known: arrows"),
    (("datasets", "remove", "nope"), "no dataset named 'nope'. Known: arrows"),
    (("experiments", "show", "nope"), "no experiment named 'nope'. Known: none yet"),
    (("experiments", "export", "nope", "--output", "x"), "no experiment named 'nope'"),
    (("compare", "nope", "--format", "html"), "no experiment named 'nope'. Known: none yet"),
    (("compare", "nope"), "no experiment named 'nope'. Known: none yet"),
    (("runs", "show", "nope"), "no run named 'nope'. Known: none yet"),
    (("runs", "cancel", "nope"), "no run named 'nope'. Known: none yet"),
    (("runs", "retry", "nope"), "no run named 'nope'. Known: none yet"),
    (("runs", "list", "--state", "nope"), "no state named 'nope'. Known: cancelled, failed"),
    (("nope",), "invalid choice: 'nope' (choose from"),
]

OUT_OF_RANGE = [
    (("--set", "mlp.epochs=0"), "mlp.epochs is '0'; it must be a whole number from 1 to 1000"),
    (("--set", "mlp.epochs=-1"), "mlp.epochs is '-1'; it must be a whole number from 1 to 1000"),
    (("--set", "mlp.epochs=1e9"), "mlp.epochs is '1e9'; it must be a whole number from 1 to 1000"),
    (("--set", "mlp.batch_size=200"), "mlp.batch_size is 200, but only 76 images are trained on"),
    (("--set", "mlp.batch_size=1000000"), "mlp.batch_size is '1000000'; it must be a whole number"),
    (("--set", "mlp.learning_rate=0"), "mlp.learning_rate is '0'; it must be a number from 1e-07"),
    (("--set", "mlp.learning_rate=nan"), "mlp.learning_rate is 'nan'; it must be a number"),
    (("--image-size", "7"), "image_size is 7; it must be a whole number from 8 to 512 pixels"),
    (("--image-size", "4096"), "image_size is 4096; it must be a whole number from 8 to 512"),
    (("--image-size", "big"), "--image-size is 'big'; it must be a whole number"),
    (("--seeds", "0,x"), "--seeds is 'x'; it must be a whole number"),
    (("--seeds", "0,0"), "A seed is given twice"),
    (("--seeds", "-1"), "seeds is -1; it must be a whole number from 0 to 2147483647."),
    (("--test-fraction", "2"), "split.test is 2.0; it must be a number from 0.05 to 0.6."),
    (("--validation-fraction", "x"), "--validation-fraction is 'x'; it must be a number"),
    (("--train-share", "x"), "--train-fraction is 'x'; it must be a number"),
    (("--train-fraction", "0"), "train_share is 0.0; it must be a number from 0.01 to 1"),
    (("--split-seed", "1.5"), "--split-seed is '1.5'; it must be a whole number"),
    (("--set", "mlp.epochs"), "is not of the form strategy.setting=value"),
    (("--set", "epochs=1"), "'epochs' is not of the form strategy.setting"),
    (("--set", "mlp.epochs=1", "--set", "mlp.epochs=2"), "--set gives mlp.epochs twice"),
    (("--backbones", "vgg16"), "backbones has no meaning beside strategies that are named in full"),
    (("--set", "cnn.epochs=1"), "cnn is not among the chosen strategies"),
]


def refused(type_it: TypeIt, store: Store, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = type_it(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert store.experiments() == []
    assert store.runs() == []


@pytest.mark.parametrize(("arguments", "message"), UNKNOWN, ids=[" ".join(a) for a, _ in UNKNOWN])
def test_unknown_names_list_the_known_ones_and_store_nothing(
    type_it: TypeIt, store: Store, arguments: tuple[str, ...], message: str
) -> None:
    refused(type_it, store, arguments, message)


@pytest.mark.parametrize(
    ("options", "message"), OUT_OF_RANGE, ids=[" ".join(o) for o, _ in OUT_OF_RANGE]
)
def test_values_out_of_range_are_named_and_store_nothing(
    type_it: TypeIt, store: Store, options: tuple[str, ...], message: str
) -> None:
    arguments = ("run", "arrows", "--strategies", "mlp", *options)
    refused(type_it, store, arguments, message)


@pytest.mark.parametrize("k", ["-1", "99"])
def test_k_out_of_range_is_named_and_stores_nothing(type_it: TypeIt, store: Store, k: str) -> None:
    arguments = ("run", "arrows", "--strategies", "vgg16_freeze", "--set", f"vgg16_freeze.k={k}")
    refused(type_it, store, arguments, f"vgg16_freeze.k is '{k}'; it must be a whole number from")


@pytest.mark.parametrize("idle", ["-1", "nan"])
def test_a_worker_refuses_a_time_that_is_none(type_it: TypeIt, idle: str) -> None:
    status, _, err = type_it("worker", f"--exit-when-idle={idle}")
    assert status == 2
    assert "must be seconds, 0 or more" in err
