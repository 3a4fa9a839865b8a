"""Completion of commands and options, in the shells themselves."""

import shutil
import subprocess

import pytest

from vggish_tf import cli

ASK = {
    "bash": """
        source {script}
        COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p vggish-tf | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "fish": "source {script}; complete --do-complete '{words}'",
}


@pytest.fixture
def complete(tmp_path, capsys):
    def complete(shell: str, words: str) -> set[str]:
        if not shutil.which(shell):
            pytest.skip(f"{shell} is not installed")
        assert cli.main(["completion", shell]) == 0
        script = tmp_path / "script"
        script.write_text(capsys.readouterr().out)
        asked = ASK[shell].format(script=script, words=words)
        command = [shell, *(["--norc"] if shell == "bash" else ["--no-config"]), "-c", asked]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
        return {line.split("\t")[0] for line in done.stdout.splitlines()}

    return complete


@pytest.mark.parametrize("shell", ASK)
def test_commands_options_and_choices(shell, complete):
    assert complete(shell, "vggish-tf com") == {"compare-profiles", "completion"}
    assert complete(shell, "vggish-tf embed --pro") == {"--profile"}
    assert complete(shell, "vggish-tf embed --pad s") == {"short"}
    assert "--labels" not in complete(shell, "vggish-tf map --lab")  # a name of before


def test_zsh_takes_the_script(tmp_path, capsys):
    """zsh completes in its line editor alone: the script is read, and defines the function."""
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    assert cli.main(["completion", "zsh"]) == 0
    (tmp_path / "_vggish-tf").write_text(capsys.readouterr().out)
    code = (
        f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -d {tmp_path}/dump; "
        "autoload +X _vggish-tf; print $_comps[vggish-tf]; functions _vggish-tf | wc -l"
    )
    done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=True)
    name, lines = done.stdout.split()
    assert (name, done.stderr) == ("_vggish-tf", "")
    assert int(lines) > 1


def test_another_shell_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["completion", "csh"])
    assert stop.value.code == 2
