"""`vggish-tf serve`: a folder → a page in the browser."""

import argparse
from pathlib import Path

from vggish_tf.cli import options, output

HELP = "serve a web page of export or map to a browser"
EPILOG = "Only this machine can open it, unless --host says otherwise. Ctrl-C ends it."
EXAMPLE = "vggish-tf serve page --port 8080"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder with index.html")
    port = options.number(int, 0, 65536, "a number from 0 to 65535")
    parser.add_argument(
        "--port", type=port, default=8000, metavar="N", help="0 for any free one (default: 8000)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="(default: 127.0.0.1)"
    )


def run(args: argparse.Namespace):
    from vggish_tf.jobs import serve

    with serve.listening(args.folder, args.host, args.port) as server:
        data = {"folder": args.folder, "address": server.address}
        output.result(data, f"{args.folder}: {server.address} (end with Ctrl-C)")
        server.serve_forever()
