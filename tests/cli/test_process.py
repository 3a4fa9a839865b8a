"""The process of a command: killed, closed streams, no reader, system errors, `-m vggish_tf`."""

import argparse
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import archives
import labelled_clips
import numpy as np
import pytest
import small_network
from commands import SMALL, environment, program

import vggish_tf
from vggish_tf import cli, formats
from vggish_tf.cli import process

# Where half a file has been written, the process says so and waits to be killed.
HALF = """
import os, sys, time, numpy as np
from vggish_tf import cli
def wait(*_, **__):
    print("half", flush=True)
    time.sleep(60)
def half(file, *_, **__):
    getattr(file, "write", lambda data: open(file, "wb").write(data))(b"half")
    wait()
"""
PLACES = {
    "convert": "import pyarrow.parquet\npyarrow.parquet.ParquetWriter = half",
    "embed": f"{SMALL}np.savez = half",
    "export": f"{SMALL}from vggish_tf.jobs.export.writers import keras_model\n"
    "keras_model.write = lambda pipeline, path, precision: half(path)",
    "inspect": "from vggish_tf import files\nfiles.open = half",
    "finetune": f"{SMALL}np.savez = half",
}


def run(code, arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(program(*arguments, code=code), env=environment(), text=True, **options)


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights of a small network."""
    path = tmp_path_factory.mktemp("weights") / "small.keras"
    small_network.vggish("waveform").save(path)
    return path


MORE = ("embed", "export", "inspect", "finetune")  # which import TensorFlow


def arguments_of(command, wav, weights, folder) -> list:
    if command == "finetune":
        sounds = labelled_clips.write_folder(folder / "sounds", takes=3, seconds=(1.0, 1.1))
        return [command, sounds, "-o", folder / "out.keras", "--untrained", "--epochs", "1"]
    if command == "convert":
        rows = archives.written(folder / "rows.parquet", [archives.clip("a.wav", np.eye(2, 128))])
        return [command, rows, folder / "out.parquet"]
    return {
        "embed": [command, wav, "-o", folder / "out.npz", "--weights", weights],
        "export": [command, "--format", "keras", "-o", folder / "out.keras", "--weights", weights],
        "inspect": [command, wav, "-o", folder / "out.html"],
    }[command]


@pytest.mark.parametrize(
    "command",
    ["convert", *(pytest.param(each, marks=pytest.mark.slow) for each in MORE)],
)
def test_sigterm_leaves_no_temporary_file(command, wav, weights, tmp_path):
    """A second signal, as `timeout` sends to the process group, does not interrupt the clean-up.

    With TensorFlow in the process too: tests/jobs/embed/test_trouble.py.
    """
    arguments = arguments_of(command, wav, weights, tmp_path)
    before = files_in(tmp_path)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with run(HALF + PLACES[command], arguments, **pipes) as process:
        while (line := process.stdout.readline()) != "half\n":
            assert line, process.stderr.read()
        assert files_in(tmp_path) > before
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.splitlines()[-1] == "vggish-tf: terminated"
    assert "Traceback" not in errors
    left = files_in(tmp_path) - before
    # --resume has those
    assert not {path for path in left if path.name.startswith(".") or path.parent.name != "cache"}


IN_A_COMMAND = """
import argparse, os, signal, sys, time
from vggish_tf.cli import process
{before}
def act(args):
{code}
status = process.run(argparse.Namespace(run=act))
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGHUP).name)
sys.exit(status)
"""


def in_a_command(code: str, before: str = "") -> subprocess.CompletedProcess:
    """Runs code as a command, in a process of its own, which a signal may end."""
    script = IN_A_COMMAND.format(code=textwrap.indent(textwrap.dedent(code), "    "), before=before)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_second_signal_waits_until_all_is_clean():
    ended = in_a_command("""
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            print("clean")
    """)
    assert ended.returncode == 143
    assert ended.stdout.splitlines()[0] == "clean"
    assert ended.stderr == "vggish-tf: terminated\n"


def test_without_a_signal_the_handlers_are_as_before():
    ended = in_a_command("print(signal.getsignal(signal.SIGTERM) != signal.SIG_DFL)")
    assert ended.returncode == 0
    assert ended.stdout == "True\nTrue SIG_DFL\n"


def test_an_error_that_a_library_makes_of_the_signal_is_no_traceback():
    """As TensorFlow does in a function of ours that it calls."""
    ended = in_a_command("""
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        except KeyboardInterrupt:
            raise RuntimeError("UnknownError: KeyboardInterrupt") from None
    """)
    assert ended.returncode == 143
    assert ended.stderr == "vggish-tf: terminated\n"


def test_what_nohup_ignores_stays_ignored():
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ended = in_a_command("os.kill(os.getpid(), signal.SIGHUP)", before=ignore)
    assert ended.returncode == 0
    assert ended.stdout == "True SIG_IGN\n"


def test_a_bug_is_still_a_traceback():
    ended = in_a_command("1 / 0")
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr
    assert "Traceback" in ended.stderr


def in_bash(redirections, arguments, code=SMALL) -> subprocess.CompletedProcess:
    """Runs a command under redirections of bash's."""
    command = ["bash", "-c", f'set -o pipefail; "$@" {redirections}', "bash"]
    return subprocess.run(
        [*command, *program(*arguments, code=code)],
        env=environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_closed_streams_change_nothing_of_what_is_written(wav, weights, tmp_path, small_networks):
    other = tmp_path / "bad.wav"
    other.write_text("this is not audio")
    embed = ["embed", wav, other, "--weights", weights, "-o"]
    assert cli.main([*map(str, embed), str(tmp_path / "open.csv")]) == 3
    expected = (tmp_path / "open.csv").read_bytes()
    for name, redirections in {"output": ">&-", "all": "<&- >&- 2>&-"}.items():
        done = in_bash(redirections, [*embed, tmp_path / f"{name}.csv"])
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
        assert (tmp_path / f"{name}.csv").read_bytes() == expected


def test_what_is_printed_does_not_go_into_a_file(wav, tmp_path):
    """With a closed standard output the first file that is opened gets its number, 1."""
    code = (
        "import os, sys; from pathlib import Path; from vggish_tf import cli\n"
        "def write(args):\n"
        "    with open(args.output, 'w') as file:\n"
        "        os.write(1, b'printed'); os.write(2, b'printed'); print('printed'); "
        "file.write('data')\n"
        "cli.fetch.run = write; cli.inspect.run = write"
    )
    done = in_bash("<&- >&- 2>&-", ["inspect", wav, "-o", tmp_path / "out.html"], code)
    assert done.returncode == 0
    assert (tmp_path / "out.html").read_text() == "data"


@pytest.mark.slow
def test_no_reader_of_the_errors_stops_no_work(wav, weights, tmp_path):
    (tmp_path / "bad.wav").write_text("this is not audio")
    embed = ["embed", tmp_path / "bad.wav", wav, "-o", tmp_path / "out", "--weights", weights]
    assert in_bash("2>&1 | true", embed).returncode == 3
    assert [clip.path for clip in formats.read(tmp_path / "out").clips] == [str(wav)]


def test_no_reader_of_the_output_does_not_change_the_status(weights):
    done = in_bash(
        "| true",
        ["verify", weights],
        "import sys; from vggish_tf import cli; cli.verify.run = lambda args: (print('x' * "
        "100_000), 1)[1]",
    )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            FileNotFoundError(2, "No such file or directory", "out.npz"),
            "out.npz: No such file or directory.",
        ),
        (OSError(28, "No space left on device"), "No space left on device."),
        (
            OSError("Can't write data (errno = 28, error message = 'No space left on device')"),
            "No space left on device.",
        ),
        (OSError("the reader\ngave up"), "the reader gave up."),
    ],
    ids=str,
)
def test_system_errors_are_in_words(error, words, capsys):
    def act(args):
        raise error

    assert process.run(argparse.Namespace(run=act)) == 6
    assert capsys.readouterr().err == f"vggish-tf: {words}\n"


def test_python_m_vggish_tf_is_the_command():
    command = [sys.executable, "-m", "vggish_tf", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"vggish-tf {vggish_tf.__version__}\n"
    usage = subprocess.run([*command[:-1], "embed"], capture_output=True, text=True)
    assert usage.returncode == 2
    assert usage.stderr.startswith("usage: vggish-tf embed ")


def test_a_full_disk_is_in_words(wav, weights, tmp_path, capsys, monkeypatch, small_networks):
    def full(file, **arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    target = tmp_path / "out.npz"
    assert cli.main(["embed", str(wav), "-o", str(target), "--weights", str(weights)]) == 6
    assert (
        capsys.readouterr().err.splitlines()[-1] == f"vggish-tf: {target}: No space left on device."
    )
