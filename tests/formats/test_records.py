"""Archives in TFRecord: AudioSet's shard, YouTube-8M's two levels, and what readers of both see."""

import os

import numpy as np
import pytest
import some_rows
import tensorflow as tf

from vggish_tf import VGGishError, formats
from vggish_tf.formats import tfrecord
from vggish_tf.rows import Archive, ClipRows


def write_records(path, *records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record.SerializeToString())
    return path


def feature(values):
    if isinstance(values, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values]))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def sequence(context, **lists):
    """A SequenceExample as the datasets have them."""
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={name: feature(v) for name, v in context.items()}),
        feature_lists=tf.train.FeatureLists(
            feature_list={
                name: tf.train.FeatureList(feature=[feature(bytes(row)) for row in rows])
                for name, rows in lists.items()
            }
        ),
    )


BYTES = np.arange(3 * 128).astype(np.uint8).reshape(3, 128)


def test_a_shard_of_the_release_has_clips_times_and_labels(audioset_shard):
    archive = formats.read(audioset_shard)
    clips = list(archive.clips)
    assert (len(clips), archive.provenance) == (328, {})
    assert (clips[0].path, clips[0].labels.tolist()) == (
        "rmLnozgTQMY",
        [0, 300, 308, 309, 316, 327],
    )
    np.testing.assert_allclose(clips[0].start, 30 + 0.96 * np.arange(10), rtol=0, atol=1e-12)
    np.testing.assert_allclose(clips[0].end, clips[0].start + 0.96, rtol=0, atol=1e-12)
    for clip, record in zip(clips, tfrecord.read(audioset_shard), strict=True):
        np.testing.assert_array_equal(clip.embedding, record.embedding)
        assert clip.path.encode() == record.context["video_id"][0]
        assert clip.labels.tolist() == record.context["labels"].tolist()


def test_tensorflow_parses_audioset_records_of_ours(tmp_path):
    clip = ClipRows("clip", np.array([1.5, 2.5, 3.0]), np.array([2.0, 3, 4]), BYTES, np.array([3]))
    path = formats.write(tmp_path / "rows.tfrecord", Archive([clip], {}))
    (serialized,) = tf.data.TFRecordDataset(str(path))
    context, lists = tf.io.parse_single_sequence_example(
        serialized,
        {
            "video_id": tf.io.FixedLenFeature([], tf.string),
            "start_time_seconds": tf.io.FixedLenFeature([], tf.float32),
            "end_time_seconds": tf.io.FixedLenFeature([], tf.float32),
            "labels": tf.io.VarLenFeature(tf.int64),
        },
        {"audio_embedding": tf.io.FixedLenSequenceFeature([], tf.string)},
    )
    assert (context["video_id"], context["labels"].values) == (b"clip", 3)
    assert (context["start_time_seconds"], context["end_time_seconds"]) == (1.5, 4.0)
    np.testing.assert_array_equal(tf.io.decode_raw(lists["audio_embedding"], tf.uint8), BYTES)


def test_youtube8m_frames(tmp_path):
    """A row a second; the picture's features are left out."""
    record = sequence({"id": b"ab12", "labels": [1, 522]}, rgb=[b"\0" * 1024] * 3, audio=BYTES)
    (clip,) = formats.read(write_records(tmp_path / "train00.tfrecord", record)).clips
    assert (clip.path, clip.labels.tolist()) == ("ab12", [1, 522])
    assert (clip.start.tolist(), clip.end.tolist()) == ([0, 1, 2], [1, 2, 3])
    np.testing.assert_array_equal(clip.embedding, BYTES)


def test_youtube8m_frames_of_ours_are_theirs(tmp_path):
    """Record for record as they publish them, without the picture."""
    times = np.arange(3.0)
    archive = Archive([ClipRows("ab12", times, times + 1, BYTES, np.array([1, 522]))], {})
    path = formats.write(tmp_path / "rows.tfrecord", archive, "youtube8m")
    (found,) = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    expected = sequence({"id": b"ab12", "labels": [1, 522]}, audio=BYTES)
    assert tf.train.SequenceExample.FromString(found) == expected


def test_youtube8m_videos_both_ways(tmp_path):
    """An Example, of one row of floats; nothing says how long the video is."""
    values = np.linspace(-2, 2, 128).astype(np.float32)
    features = {"id": b"ab12", "labels": [1], "mean_audio": values.tolist()}
    record = tf.train.Example(
        features=tf.train.Features(feature={name: feature(v) for name, v in features.items()})
    )
    found = formats.read(write_records(tmp_path / "train00.tfrecord", record))
    (clip,) = found.clips
    assert (clip.path, clip.labels.tolist(), clip.start.tolist()) == ("ab12", [1], [0])
    assert np.isnan(clip.end).all()
    np.testing.assert_array_equal(clip.embedding, values[np.newaxis])
    again = formats.write(tmp_path / "again.tfrecord", Archive([clip], {}), "youtube8m")
    (serialized,) = tf.data.TFRecordDataset(str(again)).as_numpy_iterator()
    assert tf.train.Example.FromString(serialized) == record


def test_youtube8m_videos_of_ours_keep_times_and_provenance(tmp_path):
    """As embed --pool mean makes them."""
    archive = some_rows.archive(count=1)
    path = formats.write(tmp_path / "rows.tfrecord", archive, "youtube8m")
    found = formats.read(path)
    assert found.provenance == some_rows.PROVENANCE
    assert some_rows.described(found) == some_rows.described(archive)
    with pytest.raises(VGGishError, match=r"one row of 128 floats a clip; received \(2, 128\)"):
        formats.write(path, some_rows.archive(count=2), "youtube8m")


def test_a_clip_without_an_id_is_named_after_its_file(tmp_path):
    """Upstream's script writes none."""
    path = write_records(tmp_path / "bare", *[sequence({}, audio_embedding=BYTES)] * 2)
    clips = list(formats.read(path).clips)
    assert [clip.path for clip in clips] == ["bare#1", "bare#2"]
    assert clips[0].start[0] == 0


def test_a_file_whose_name_is_no_utf_8_names_its_clips(tmp_path):
    path = tfrecord.write(tmp_path / os.fsdecode(b"caf\xe9"), [(np.zeros((1, 128), np.uint8), {})])
    assert [clip.path for clip in formats.read(path).clips] == ["caf\\udce9#1"]


def test_an_id_that_is_no_utf8_stays_readable(tmp_path):
    path = write_records(tmp_path / "rows", sequence({"id": b"\x80"}, audio=BYTES))
    assert [clip.path for clip in formats.read(path).clips] == ["\\udc80"]


def test_many_dimensions_are_refused(tmp_path):
    for format in ("tfrecord", "youtube8m"):
        with pytest.raises(VGGishError, match=r"holds \(n, 128\) uint8; received uint8 \(1, 64\)"):
            formats.write(tmp_path / "rows.tfrecord", some_rows.archive(np.uint8, size=64), format)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (sequence({"id": b"a"}, rgb=[b"\0" * 1024]), "it holds id, rgb"),
        (sequence({}), "it holds nothing"),
        (sequence({"id": b"a"}, audio=[b"short"]), "a row has 5 bytes, expected 128"),
        (sequence({"id": b"a", "mean_audio": [0.5]}), "cannot reshape array of size 1"),
        (sequence({"id": b"a", "row_times_seconds": b"12345678"}, audio=BYTES), "cannot reshape"),
    ],
)
def test_other_records_are_a_line(record, said, tmp_path):
    path = write_records(tmp_path / "rows", sequence({"id": b"a"}, audio=BYTES), record)
    with pytest.raises(
        VGGishError, match=f"record 2 is neither AudioSet's nor YouTube-8M's: {said}"
    ):
        list(formats.read(path).clips)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        *(("id", [1]), ("video_id", [0.5]), ("labels", b"text"), ("labels", [0.5])),
        *(("start_time_seconds", b"text"), ("start_time_seconds", [1])),
        *(("row_times_seconds", [1]), ("start_time_seconds", [1.0, 2.0])),
    ],
)
def test_features_of_another_type_are_a_line(name, values, tmp_path):
    record = sequence({name: values}, audio_embedding=BYTES)
    with pytest.raises(VGGishError, match="record 1 is neither AudioSet's nor YouTube-8M's"):
        list(formats.read(write_records(tmp_path / "rows", record)).clips)


def test_a_file_cut_between_records_is_told_by_its_sidecar(tmp_path):
    archive = some_rows.archive(np.uint8, ["a", "b"])
    path = formats.write(tmp_path / "rows.tfrecord", archive)
    first = formats.write(tmp_path / "1.tfrecord", some_rows.archive(np.uint8, ["a"]))
    path.write_bytes(first.read_bytes())
    with pytest.raises(VGGishError, match=r"has 1 rows, and rows\.tfrecord\.json says 3"):
        list(formats.read(path).clips)
