"""`vggish-tf fetch`: the published files → the cache."""

import argparse

HELP = "download the published weights and PCA parameters into the cache"
EPILOG = (
    "VGGISH_TF_CACHE chooses the folder, VGGISH_TF_MIRROR a base address that is tried first; "
    "VGGISH_TF_OFFLINE=1 forbids the network."
)


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "--list",
        action="store_true",
        help="print every known file of VGGish weights, and whether it is here; fetch nothing",
    )


def run(args: argparse.Namespace):
    from vggish_tf.weights import registry

    if args.list:
        print(listed())
        return
    for name in registry.REGISTRY:
        path = registry.fetch(name)
        print(f"{path}\n  MD5      {registry.md5_of(path)}\n  SHA-256  {registry.sha256_of(path)}")


def listed() -> str:
    """The known files, a paragraph each."""
    from vggish_tf.weights import known

    return "\n\n".join(map(_paragraph, known.files()))


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
