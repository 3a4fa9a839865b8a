"""The command line, vggish-tf: one module a command, with heavy imports inside `run`.

So --help is immediate. All checks that need no TensorFlow are made before it is imported. A user
error is one line on standard error and an exit status; STATUSES lists them.

    process    the process of a command: streams, signals, errors, exit status
    output     --quiet, --verbose and --json
    options    options of several commands
    sets       sounds beside embeddings that are there, for several commands
"""

import argparse

import vggish_tf
from vggish_tf.cli import (
    classify,
    compare_profiles,
    completion,
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
    output,
    process,
    profiles,
    search,
    serve,
    verify,
)

COMMANDS = (
    demo,
    fetch,
    verify,
    embed,
    convert,
    search,
    map,
    fad,
    inspect,
    profiles,
    compare_profiles,
    finetune,
    classify,
    export,
    serve,
    convert_weights,
    completion,
)
STATUSES = """\
exit status:
  0    success
  1    verify: the weights do not give the published figures; others: a bug
  2    a mistake in the command line
  3    audio that cannot be used; the rest of the files is done
  4    weights that are absent, damaged or of another model
  5    a fault of another file, a folder or the installation
  6    an error of the operating system, a full disk for example
  129  hung up; 130 interrupted (Ctrl-C); 143 terminated"""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit status."""
    with process.standard_streams():
        return process.run(parser().parse_args(arguments))


class _Help(argparse.HelpFormatter):
    """Help with paragraphs; one of several lines stays as it is."""

    def add_argument(self, action):
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += 2  # the indentation of the commands, which it forgets

    def _fill_text(self, text, width, indent):
        fill = super()._fill_text
        paragraphs = (
            paragraph if "\n" in paragraph else fill(paragraph, width, indent)
            for paragraph in text.split("\n\n")
        )
        return "\n\n".join(paragraphs)


class _Command(argparse.ArgumentParser):
    """Parser of a command; it refuses unknown options itself, so that its own usage is shown."""

    def parse_known_args(self, args=None, namespace=None):
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return namespace, unknown


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    every = argparse.ArgumentParser(
        prog="vggish-tf",
        description="VGGish audio embeddings: sound in, AudioSet embeddings out.",
        epilog=f"`vggish-tf COMMAND --help` has an example of each.\n\n{STATUSES}",
        formatter_class=_Help,
    )
    every.add_argument("--version", action="version", version=f"vggish-tf {vggish_tf.__version__}")
    output.add_arguments(every)
    commands = every.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=_Command
    )
    for command in COMMANDS:
        _add(commands, command)
    return every


def _add(commands, command):
    """Adds the parser of a command, from the texts and the functions of its module."""
    name, text = command.__name__.rpartition(".")[2].replace("_", "-"), command.HELP
    epilog = [getattr(command, "EPILOG", ""), f"example:\n  {command.EXAMPLE}"]
    added = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog="\n\n".join(filter(None, epilog)),
        formatter_class=_Help,
    )
    command.add_arguments(added)
    output.add_arguments(added, default=argparse.SUPPRESS)
    added.set_defaults(run=command.run)
