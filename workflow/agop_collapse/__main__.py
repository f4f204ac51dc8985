"""Run a packed study without Snakemake, in the folder that it was unpacked into: docs/gpu.md."""

import argparse
import signal
import sys
from pathlib import Path

from .common.errors import UserError
from .packed.run import run


def main() -> int:
    """The exit status: 0 when all is there, 1 after a failure, 75 when something is left."""
    parser = argparse.ArgumentParser(prog="python -m agop_collapse", description=__doc__)
    parser.add_argument("--minutes", type=float, help="of this call; the next one goes on from it")
    parser.add_argument("--home", type=Path, help="a .tar.gz for tables, records, logs and times")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(Path(), given.minutes, given.home)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
