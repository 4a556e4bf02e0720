"""The command line: one verb for each step from a dataset to the book."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys

import tyro

from amdd.base.machine import patient_threads
from amdd.commands.archive import Archive
from amdd.commands.book import Book, Epub, Pdf, Run, Verify
from amdd.commands.classroom import Assignments, Pack
from amdd.commands.common import at_home
from amdd.commands.datasets import Corpora, Prepare, Puppets, Scan, Settings
from amdd.commands.inspect import Export, Inspect
from amdd.commands.network import Evaluate, Model, Train
from amdd.commands.score import Score
from amdd.commands.serve import Serve
from amdd.commands.study import Study

COMMANDS = {
    "book": Book,
    "run": Run,
    "pdf": Pdf,
    "epub": Epub,
    "pack": Pack,
    "assignments": Assignments,
    "settings": Settings,
    "corpora": Corpora,
    "scan": Scan,
    "prepare": Prepare,
    "train": Train,
    "evaluate": Evaluate,
    "score": Score,
    "study": Study,
    "inspect": Inspect,
    "serve": Serve,
    "export": Export,
    "puppets": Puppets,
    "model": Model,
    "verify": Verify,
    "archive": Archive,
}


def main() -> None:
    """Entry point of the ``amdd`` command: known errors become one message and exit status 1."""
    patient_threads()
    # Without it, the final garbage collection over torch's objects takes a second at exit.
    atexit.register(gc.freeze)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        command = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="amdd", description=__doc__)
        sys.exit(at_home(command).do())
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"amdd: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("amdd: interrupted; the same command resumes where it stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
