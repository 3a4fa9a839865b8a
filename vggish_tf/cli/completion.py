"""`vggish-tf completion`: a shell → the script that completes the commands and options in it."""

import argparse

from vggish_tf.cli import output

HELP = "print a shell's script that completes commands"
EPILOG = (
    "The script is static: the program does not run when TAB is pressed. Put it where the shell "
    "looks for it: bash in ~/.local/share/bash-completion/completions/vggish-tf, zsh in a file "
    "_vggish-tf of a folder of fpath, fish as below."
)
EXAMPLE = "vggish-tf completion fish > ~/.config/fish/completions/vggish-tf.fish"


def add_arguments(parser: argparse.ArgumentParser):
    parser.add_argument(
        "shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish"
    )


def run(args: argparse.Namespace):
    import shtab

    from vggish_tf import cli

    script = shtab.complete(cli.parser(), args.shell)
    output.result({"shell": args.shell, "script": script}, script.rstrip())
