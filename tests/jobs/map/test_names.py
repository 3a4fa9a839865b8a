"""Folders and labels of files, by hand; what is wrong with a table."""

import numpy as np
import pytest

from vggish_tf.errors import VGGishError
from vggish_tf.jobs.map import names


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        (["a.wav", "b.wav"], [".", "."]),
        (["s/a.wav", "s/b.wav"], ["s", "s"]),
        (["s/x/a.wav", "s/y/b.wav", "s/c.wav"], ["x", "y", "s"]),
        (["s/x/a.wav", "t/x/b.wav"], ["s/x", "t/x"]),
        (["/root/x/a.wav", "/root/y/z/b.wav"], ["x", "y/z"]),
        (["sx/a.wav", "sy/b.wav"], ["sx", "sy"]),  # not "x" and "y": s is not a folder
        ([r"C:\s\x\a.wav", r"C:\s\y\b.wav"], ["x", "y"]),
        ([r"s/odd\name.wav", "s/b.wav"], ["s", "s"]),
        ([r"0n\udce9on.wav", "b.wav"], [".", "."]),  # a byte that is not UTF-8, as archives have it
        (["shard.tar::x/a.wav", "shard.tar::y/b.wav"], ["shard.tar::x", "shard.tar::y"]),
        (["", "a.wav"], [".", "."]),
    ],
)
def test_folders_are_those_below_the_common_one(files, folders):
    assert names.folders_of(files) == folders


def table(tmp_path, text, **how):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(**how) if isinstance(text, str) else text)
    return path


def test_labels_by_whole_paths_and_by_their_ends(tmp_path):
    text = (
        'fold,path,label\n1,a.wav,"dog, ""small"""\n2,x/b.wav,cat\n3,y/b.wav,owl\n4,c.wav,\n'
        "5,é ∕.wav,</script>\n6,x/b.wav,bird\n"
    )
    found = names.read_labels(table(tmp_path, text))
    files = ["/s/a.wav", "s/x/b.wav", r"C:\s\y\b.wav", "c.wav", "s/b.wav", "é ∕.wav", "aa.wav"]
    classes, numbers, without = names.labels_of(files, found)
    labels = ['dog, "small"', "cat, bird", "owl", "no label", "no label", "</script>", "no label"]
    assert [classes[number] for number in numbers] == labels
    assert len(classes) == 5
    assert without == 3


def test_only_the_columns_of_a_table_that_are_read_must_be_there_once(tmp_path):
    assert names.read_labels(table(tmp_path, "path, label,,\na.wav, owl,1,2\n")) == {
        ("a.wav",): "owl"
    }


def test_the_longest_path_counts(tmp_path):
    found = names.read_labels(table(tmp_path, "path,label\nb.wav,any\nx/b.wav,of x\n"))
    classes, numbers, _ = names.labels_of(["s/x/b.wav", "s/y/b.wav"], found)
    assert np.array(classes)[numbers].tolist() == ["of x", "any"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must name the columns path,label, each once; received nothing"),
        ("file,label\na.wav,dog\n", "must name the columns path,label, each once; received file"),
        ("path,label,label\na.wav,x,y\n", "each once"),
        ("path,label\n", "has no rows under its first line"),
        ("path,label\n,dog\n", "line 2: no path"),
        ("path,label\na.wav,dog,big\n", "line 2: 3 values in 2 columns"),
        ('path,label\n"a.wav,dog\n', "line 2: unexpected end of data. Is a quote left open there?"),
        ("path,label\nä.wav,dog\n".encode("latin-1"), "line 2: this is not UTF-8"),
    ],
)
def test_a_wrong_table_is_refused_in_a_line(text, words, tmp_path):
    with pytest.raises(VGGishError) as caught:
        names.labels_of(["b.wav"], names.read_labels(table(tmp_path, text)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_of_other_files_is_refused_with_an_example_of_both(tmp_path):
    found = names.read_labels(table(tmp_path, "path,label\nother/a.wav,dog\n"))
    with pytest.raises(VGGishError, match=r"none of 2 files has a label.*'s/a.wav'.*'other/a.wav'"):
        names.labels_of(["s/a.wav", "s/b.wav"], found)


def test_no_table_is_refused(tmp_path):
    with pytest.raises(VGGishError, match=r"labels\.csv does not exist\. Give a CSV"):
        names.read_labels(tmp_path / "labels.csv")
