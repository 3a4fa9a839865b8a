"""The scores of many files: what is printed and written, for a classifier that is no network."""

import os

import numpy as np
import pytest

from vggish_tf import Params
from vggish_tf.errors import AudioError
from vggish_tf.jobs.classify import Classified, classify_files

TIMES = np.array([[0, 0.96], [0.96, 1.92]])
SCORES = np.array([[0.25, -0.5, 0.75], [0.75, 0.5, 0.25]])


class Told:
    """A classifier of one's own."""

    labels = ("cat", "dog", "eel")
    params = Params()

    def classify(self, path):
        if path == "bad.wav":
            raise AudioError("bad.wav is empty.")
        return Classified(2.0, SCORES.mean(axis=0), SCORES, TIMES)


def test_lines_and_rows(tmp_path, capsys):
    classify_files(Told(), ["a.wav"], top=2, output=tmp_path / "scores.csv")
    assert capsys.readouterr().out == (
        "a.wav  2.00 s\n"
        "            whole clip  cat 0.500  eel 0.500\n"
        "         0.00 - 0.96 s  eel 0.750  cat 0.250\n"
        "         0.96 - 1.92 s  cat 0.750  dog 0.500\n"
    )
    assert (tmp_path / "scores.csv").read_text() == (
        "file,part,start,end,cat,dog,eel\n"
        "a.wav,clip,0.0,2.0,0.5,0.0,0.5\n"
        "a.wav,example,0.0,0.96,0.25,-0.5,0.75\n"
        "a.wav,example,0.96,1.92,0.75,0.5,0.25\n"
    )


def test_a_name_that_is_no_utf_8_is_escaped(tmp_path, capsys):
    classify_files(Told(), [os.fsdecode(b"caf\xe9.wav")], output=tmp_path / "scores.csv")
    assert capsys.readouterr().out.startswith("caf\\udce9.wav  2.00 s\n")
    assert "\ncaf\\udce9.wav,clip,0.0,2.0," in (tmp_path / "scores.csv").read_text()


def test_whole_clips_only_and_bad_files_beside(tmp_path, capsys):
    with pytest.raises(AudioError, match=r"1 of 2 files could not be classified"):
        classify_files(Told(), ["bad.wav", "a.wav"], whole=True, output=tmp_path / "scores.csv")
    captured = capsys.readouterr()
    assert (
        captured.out == "a.wav  2.00 s\n            whole clip  cat 0.500  eel 0.500  dog 0.000\n"
    )
    assert captured.err == "bad.wav is empty.\n"
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 4
