"""Work for the tests of side work: ``python -m tests.runs.side_module KIND --output PATH``."""

import sys
import time
from pathlib import Path

from core.errors import BadInput
from core.runs.side_work import side_process


def main(kind: str, output: Path) -> None:
    with side_process(output) as work:
        with open(output.parent / "starts.txt", "a", encoding="utf-8") as starts:
            starts.write(f"{kind}\n")
        if kind == "wait":
            work.report("Waiting", 3, 7)
            while not (output.parent / "go").exists():
                time.sleep(0.02)
        elif kind == "refuse":
            raise BadInput("This picture is not one of ours.")
        elif kind == "break":
            raise ZeroDivisionError("division by zero\nand more")
        elif kind == "memory":
            raise MemoryError
        temporary = output.with_name(output.name + ".part")
        temporary.write_text("done")
        temporary.replace(output)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[3]))
