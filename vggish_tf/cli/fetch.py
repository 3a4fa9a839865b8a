"""`vggish-tf fetch`: the published files → the cache."""

import argparse

from vggish_tf.cli import output

HELP = "download the published weights and PCA parameters"
EPILOG = (
    "VGGISH_TF_CACHE chooses the folder, VGGISH_TF_MIRROR a base address that is tried first; "
    "VGGISH_TF_OFFLINE=1 forbids the network."
)
EXAMPLE = "vggish-tf fetch"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "--list",
        action="store_true",
        help="print every known file of VGGish weights, and whether it is here; fetch nothing",
    )


def run(args: argparse.Namespace):
    from vggish_tf.weights import known, registry

    if args.list:
        files = known.files()
        data = [{**vars(file), "here": registry.whereabouts(file)} for file in files]
        output.result(data, "\n\n".join(map(_paragraph, files)))
        return
    fetched = list(map(_fetched, registry.REGISTRY))
    lines = "{path}\n  MD5      {md5}\n  SHA-256  {sha256}"
    output.result(fetched, "\n".join(lines.format(**each) for each in fetched))


def _fetched(name: str) -> dict:
    from vggish_tf.weights import registry

    path = registry.fetch(name)
    digests = {"md5": registry.md5_of(path), "sha256": registry.sha256_of(path)}
    return {"name": name, "path": path, **digests}


def _paragraph(file) -> str:
    from vggish_tf.weights import registry

    lines = {
        "source": f"{file.source}, {file.url}",
        "format": f"{file.format}: {file.contents}",
        "MD5": file.md5,
        "SHA-256": file.sha256 and f"{file.sha256}{'…' if len(file.sha256) < 64 else ''}",
        "digest": "" if file.md5 or file.sha256 else "nobody has published one",
        "bytes": f"{file.num_bytes:,}" if file.num_bytes else "",
        "activation": file.activation,
        "licence": file.licence,
        "here": registry.whereabouts(file) or "no",
    }
    rows = (f"  {name:<10} {value}" for name, value in lines.items() if value)
    return "\n".join([file.filename, *rows])
