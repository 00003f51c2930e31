"""What the package of a kept model holds, and the program in it that says what a picture shows."""

from pathlib import Path

CARD, SNIPPET = "README.md", "predict.py"
KERAS_FILE, ONNX_FILE = "model.keras", "model.onnx"
ONNX_REQUIREMENTS = "requirements-onnx.txt"
# What the package holds, in the order in which it is told.
CONTENTS = {
    KERAS_FILE: "the trained network; it loads with Keras alone",
    ONNX_FILE: "the same network for ONNX Runtime, without Keras",
    "labels.json": "the names of the classes, in the order of the network's answers",
    "preprocessing.json": "what is done to a picture before the network sees it",
    SNIPPET: "a short program that says what the network sees in a picture",
    "requirements.txt": "the libraries that the program needs, with their versions",
    ONNX_REQUIREMENTS: "the few that it needs with ONNX instead",
    CARD: "the model card: data, split, measures with intervals, limits",
}
_SNIPPET_FILE = Path(__file__).parents[1] / "reports" / "templates" / SNIPPET


def snippet() -> str:
    """The program ``predict.py`` as it lies in every package."""
    return _SNIPPET_FILE.read_text(encoding="utf-8")
