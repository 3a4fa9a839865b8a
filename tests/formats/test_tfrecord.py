"""AudioSet records: a genuine shard byte for byte, TensorFlow's parser, and damage."""

import numpy as np
import pytest
import tensorflow as tf

from vggish_tf import VGGishError
from vggish_tf.formats import tfrecord
from vggish_tf.formats.tfrecord import Record


def record(rows=2, **context):
    return Record(np.arange(rows * 128).astype(np.uint8).reshape(rows, 128), context)


def test_a_shard_of_the_release_comes_back_byte_for_byte(audioset_shard, tmp_path):
    records = list(tfrecord.read(audioset_shard))
    assert len(records) == 328
    assert {tuple(record.context) for record in records} == {
        ("video_id", "start_time_seconds", "labels", "end_time_seconds"),
        ("start_time_seconds", "labels", "end_time_seconds", "video_id"),
    }
    path = tfrecord.write(tmp_path / "again.tfrecord", records)
    assert path.read_bytes() == audioset_shard.read_bytes()


def test_the_first_record_of_the_release(audioset_shard):
    first = next(tfrecord.read(audioset_shard))
    assert first.context["video_id"] == [b"rmLnozgTQMY"]
    assert (first.context["start_time_seconds"], first.context["end_time_seconds"]) == (30.0, 40.0)
    # the bytes 00 ac02 b402 b502 bc02 c702
    assert first.context["labels"].tolist() == [0, 300, 308, 309, 316, 327]
    assert first.embedding.shape == (10, 128)
    assert bytes(first.embedding[0, :4]) == b"\x1b\xac\x18\x00"


def test_tensorflow_parses_what_is_written(tmp_path):
    """With the specification that the AudioSet page gives its readers."""
    labels = np.array([3, 5])
    start = np.array([1.5], np.float32)
    path = tfrecord.write(
        tmp_path / "one.tfrecord",
        [record(7, video_id=[b"clip"], start_time_seconds=start, labels=labels)],
    )
    (serialized,) = tf.data.TFRecordDataset(str(path))
    context, lists = tf.io.parse_single_sequence_example(
        serialized,
        {
            "video_id": tf.io.FixedLenFeature([], tf.string),
            "start_time_seconds": tf.io.FixedLenFeature([], tf.float32),
            "labels": tf.io.VarLenFeature(tf.int64),
        },
        {"audio_embedding": tf.io.FixedLenSequenceFeature([], tf.string)},
    )
    assert (context["video_id"], context["start_time_seconds"]) == (b"clip", 1.5)
    assert context["labels"].values.numpy().tolist() == [3, 5]
    np.testing.assert_array_equal(
        tf.io.decode_raw(lists["audio_embedding"], tf.uint8), record(7).embedding
    )


def test_no_context_is_what_upstreams_script_writes(tmp_path):
    path = tfrecord.write(tmp_path / "bare.tfrecord", [record(3)])
    rows = [
        tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes(row)]))
        for row in record(3).embedding
    ]
    upstream = tf.train.SequenceExample(
        feature_lists=tf.train.FeatureLists(
            feature_list={"audio_embedding": tf.train.FeatureList(feature=rows)}
        )
    )
    assert list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()) == [
        upstream.SerializeToString()
    ]


@pytest.mark.parametrize("rows", [0, 1, 40])
def test_any_number_of_rows_and_records(rows, tmp_path):
    path = tfrecord.write(
        tmp_path / "clips.tfrecord", (record(rows, video_id=[b"%d" % i]) for i in range(rows))
    )
    records = list(tfrecord.read(path))
    assert [r.context["video_id"] for r in records] == [[b"%d" % i] for i in range(rows)]
    assert all(np.array_equal(r.embedding, record(rows).embedding) for r in records)


@pytest.mark.parametrize(
    "embedding",
    [np.zeros((2, 128), np.float32), np.zeros((2, 64), np.uint8), np.zeros(128, np.uint8)],
)
def test_other_embeddings_are_refused_and_nothing_is_written(embedding, tmp_path):
    with pytest.raises(
        VGGishError, match=r"\(n, 128\) uint8; received .* Quantize the embeddings: Embedder"
    ):
        tfrecord.write(tmp_path / "clips.tfrecord", [record(), Record(embedding)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [1, 20, 700])
def test_a_cut_file_is_an_error_after_its_whole_records(cut, tmp_path):
    path = tfrecord.write(tmp_path / "clips.tfrecord", [record(5), record(5)])
    path.write_bytes(path.read_bytes()[:-cut])
    records = tfrecord.read(path)
    np.testing.assert_array_equal(next(records).embedding, record(5).embedding)
    with pytest.raises(VGGishError, match="damaged, or not a TFRecord file"):
        next(records)


def test_a_flipped_bit_is_an_error(tmp_path):
    path = tfrecord.write(tmp_path / "clips.tfrecord", [record(5)])
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        VGGishError, match=r"is missing, damaged, or not a TFRecord file: corrupted record at 12$"
    ):
        list(tfrecord.read(path))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (tf.train.SequenceExample().SerializeToString(), r"its feature lists are \[\]"),
        (b"not a protobuf", "record 1 is not an AudioSet record"),
        (
            tf.train.SequenceExample(
                feature_lists=tf.train.FeatureLists(
                    feature_list={
                        "audio_embedding": tf.train.FeatureList(
                            feature=[
                                tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"short"]))
                            ]
                        )
                    }
                )
            ).SerializeToString(),
            "a row has 5 bytes, expected 128",
        ),
    ],
)
def test_other_records_are_an_error(data, said, tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "other.tfrecord")) as writer:
        writer.write(data)
    with pytest.raises(VGGishError, match=said):
        list(tfrecord.read(tmp_path / "other.tfrecord"))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(VGGishError, match=r"missing.tfrecord is missing, damaged, or no"):
        list(tfrecord.read(tmp_path / "missing.tfrecord"))
