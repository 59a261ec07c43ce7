"""The command line of the comparison."""

import argparse
import pathlib

import peers


def arguments(description):
    parser = argparse.ArgumentParser(
        prog="dev bench --compare", description=description
    )
    parser.add_argument("layers", type=pathlib.Path, nargs="*", help="layer files")
    parser.add_argument("--random", type=int, metavar="N", help="draw N shapes instead")
    parser.add_argument("--seed", type=int, help="of the draw; printed when left out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--filter", default="", help="regular expression on names")
    parser.add_argument(
        "--peers", default=",".join(peers.default()), help=f"of {', '.join(peers.ALL)}"
    )
    parser.add_argument(
        "--layout",
        choices=["channels_first"],
        help="compare in this layout alone, with our channels_last time beside",
    )
    parser.add_argument(
        "--budget", type=float, default=0.3, help="seconds a candidate and layer"
    )
    parser.add_argument(
        "--cold", action="store_true", help="empty the caches before each call"
    )
    parser.add_argument(
        "--no-first-result",
        action="store_true",
        help="leave out the time to the first result and the sizes",
    )
    parser.add_argument("--json", type=pathlib.Path, help="the results, a list")
    parser.add_argument(
        "--json-once",
        type=pathlib.Path,
        help="what is measured once: machine, roofline, empty calls, first results",
    )
    parser.add_argument("--plot", type=pathlib.Path, help="the roofline picture (PNG)")
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="forget what an earlier run of this command has measured",
    )
    for name in ("--library", "--layer-file"):
        parser.add_argument(name, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--command", default="", help=argparse.SUPPRESS)
    args = parser.parse_intermixed_args()
    if bool(args.layers) == (args.random is not None):
        parser.error("name layer files, or draw some with --random N")
    if args.random is not None and args.random < 1:
        parser.error(f"--random {args.random}: draw at least one")
    if args.threads < 1:
        parser.error(f"--threads {args.threads}: one at least")
    args.peers = [p for p in args.peers.split(",") if p]
    if unknown := set(args.peers) - set(peers.ALL):
        known = ", ".join(peers.ALL)
        parser.error(f"--peers {', '.join(sorted(unknown))}: known are {known}")
    for file in (args.json, args.json_once, args.plot):
        if file and not file.parent.is_dir():
            parser.error(f"{file.parent} is not a folder")
    return args
