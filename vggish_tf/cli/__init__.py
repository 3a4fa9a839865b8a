"""The command line, vggish-tf: one module a command, with heavy imports inside `run`.

So --help is immediate. All checks that need no TensorFlow are made before it is imported. A user
error is one line on standard error and an exit status: 2 command line, 3 audio, 4 weights, 5 any
other error that vggish_tf raises, 6 the operating system, 130 interrupted, 143 terminated. `verify`
exits with 1 if the weights do not give the published figures.

    process    the process of a command: streams, signals, errors, exit status
    options    options of several commands
"""

import argparse

import vggish_tf
from vggish_tf.cli import (
    classify,
    compare_profiles,
    convert,
    convert_weights,
    demo,
    embed,
    export,
    fad,
    fetch,
    finetune,
    inspect,
    map,
    process,
    profiles,
    search,
    serve,
    verify,
)

COMMANDS = (
    embed,
    convert,
    search,
    map,
    fad,
    inspect,
    profiles,
    compare_profiles,
    fetch,
    verify,
    convert_weights,
    demo,
    export,
    serve,
    finetune,
    classify,
)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    with process.standard_streams():
        return process.run(_parser().parse_args(arguments))


class _Command(argparse.ArgumentParser):
    """Parser of a command; it refuses unknown options itself, so that its own usage is shown."""

    def parse_known_args(self, args=None, namespace=None):
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vggish-tf", description="VGGish audio embeddings: sound in, AudioSet embeddings out."
    )
    parser.add_argument("--version", action="version", version=f"vggish-tf {vggish_tf.__version__}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=_Command
    )
    for command in COMMANDS:
        name, text = command.__name__.rpartition(".")[2].replace("_", "-"), command.HELP
        about = f"{text[0].upper()}{text[1:]}."
        added = commands.add_parser(
            name, help=text, description=about, epilog=getattr(command, "EPILOG", None)
        )
        command.add_arguments(added)
        added.set_defaults(run=command.run)
    return parser
