"""The same verbs as the pages, from the shell: ``python -m core VERB``.

Exit status: 0 done, 1 a run failed or something could not be done, 2 bad input. Results go to
standard output, progress and errors to standard error.
"""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from core.cli.arguments import parser
from core.errors import BadInput, HeadstartError

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    parsed = parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except HeadstartError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) went away: nothing more to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def stop_on_termination() -> None:
    """Let SIGTERM end the process like Ctrl-C, so that a worker puts its run in order."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
