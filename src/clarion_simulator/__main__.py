"""`python -m clarion_simulator`: the simulator without the rest of Clarion."""

import argparse
import sys
from pathlib import Path

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.main import HTTP_PORT, SMTP_PORT, main


def run() -> int:
    """Read the command line and run; exit code 2 for wrong usage, 1 when it cannot run."""
    parser = argparse.ArgumentParser(prog="clarion-simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, default=HTTP_PORT)
    parser.add_argument("--smtp-port", type=int, default=SMTP_PORT)
    parser.add_argument("--smpp-port", type=int)
    parser.add_argument("--imap-port", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="pairs")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--ready-file", type=Path)
    args = parser.parse_args()
    try:
        behaviour = Behaviour.parse(args.pairs)
    except ValueError as error:
        parser.error(str(error))
    try:
        main(
            host=args.host,
            http_port=args.http_port,
            smtp_port=args.smtp_port,
            smpp_port=args.smpp_port,
            imap_port=args.imap_port,
            behaviour=behaviour,
            log=args.log,
            ready_file=args.ready_file,
        )
    except (OSError, ValueError) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run())
