"""The child process of an import whose reading never asks whether to stop.

Stands for the comparison of very many pictures. It builds a dataset's folder first, as a real one
does, so that a test can see whether that is tidied up.
"""

import sys
import time
from typing import Any

from core.datasets import add
from core.datasets.storage import incoming_folder
from core.jobs import child


def deaf(*_arguments: Any, progress: Any, **_options: Any) -> None:
    with incoming_folder(0) as folder:
        (folder / "source.bin").write_bytes(b"half")
        progress(1, 1)
        time.sleep(120)


if __name__ == "__main__":
    add.add_dataset = deaf  # type: ignore[assignment]
    sys.exit(child.main(sys.argv[1:]))
