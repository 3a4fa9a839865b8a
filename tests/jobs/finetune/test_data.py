"""Labelled clips: folders and CSVs, splits by file, order, weights, caches, refusals."""

from pathlib import Path

import numpy as np
import pytest
import small_network
import soundfile
from cases import first
from labelled_clips import LABELS, refusal, waveform, write_csv, write_folder

from vggish_tf import audio
from vggish_tf.errors import AudioError, UsageError, VGGishError
from vggish_tf.jobs import finetune
from vggish_tf.jobs.finetune.clips import Clip

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "sounds")


def names(clips):
    return [f"{clip.path.parent.name}/{clip.path.name}" for clip in clips]


def test_a_folder_is_a_class_a_subfolder_and_other_files_are_no_clips(folder):
    (folder / "noise" / "notes.txt").write_text("not audio")
    (folder / "noise" / ".hidden.wav").write_bytes(b"")
    data = finetune.dataset(folder)
    assert data.labels == LABELS
    assert sorted(names(data.clips)) == sorted(
        f"{label}/{take}.wav" for label in LABELS for take in range(6)
    )
    assert all(clip.labels == (clip.path.parent.name,) for clip in data.clips)


def test_every_class_is_in_every_split_and_no_clip_in_two(folder):
    data = finetune.dataset(folder, validation=0.2, test=0.3)
    splits = {split: names(data.of(split)) for split in ("train", "validation", "test")}
    counts = {
        split: {label: sum(label in name for name in found) for label in LABELS}
        for split, found in splits.items()
    }
    assert counts == {  # of six files: 0.2 is 1.2, 0.3 is 1.8
        "train": dict.fromkeys(LABELS, 3),
        "validation": dict.fromkeys(LABELS, 1),
        "test": dict.fromkeys(LABELS, 2),
    }
    assert len(set().union(*splits.values())) == 18


def test_segments_of_a_file_share_its_split(folder, tmp_path):
    rows = [(f"sounds/{label}/{take}.wav", label, start, start + 0.5)
            for label in LABELS for take in range(6) for start in (0.0, 0.5)]  # fmt: skip
    table = write_csv(tmp_path / "table.csv", rows, ("path", "label", "start", "end"))
    for seed in range(5):
        where = {}
        for clip in finetune.dataset(table, seed=seed).clips:
            assert where.setdefault(clip.path, clip.split) == clip.split
        assert len(where) == 18


def test_a_segment_is_that_stretch_of_the_resampled_file(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (48_000 * 3, 2))
    soundfile.write(tmp_path / "a.wav", sound, 48_000, subtype="FLOAT")
    whole = audio.to_mono(*audio.load_audio(tmp_path / "a.wav"), 16_000)
    clip = Clip(tmp_path / "a.wav", ("x",), 0.5, 1.25)
    np.testing.assert_array_equal(finetune.read_clip(clip, 16_000), whole[8_000:20_000])
    # decoding begins a second before the stretch, which moves a last bit
    np.testing.assert_allclose(
        finetune.read_clip(Clip(clip.path, ("x",), 2.5), 16_000), whole[40_000:], rtol=0, atol=1e-6
    )


def test_splits_of_a_csv_stay(folder, tmp_path):
    splits = ("test", "train", "validation")
    rows = [
        (f"sounds/{label}/{take}.wav", label, split)
        for label in LABELS
        for take, split in enumerate(splits)
    ]
    data = finetune.dataset(write_csv(tmp_path / "t.csv", rows, ("path", "label", "split")))
    assert {(clip.path.name, clip.split) for clip in data.clips} == {
        ("0.wav", "test"), ("1.wav", "train"), ("2.wav", "validation")}  # fmt: skip


def test_multi_label_targets(folder, tmp_path):
    rows = [
        (f"sounds/noise/{take}.wav", label)
        for take, label in enumerate(["a;b", "b", "", "a", "b;c", "c"])
    ]
    rows += [(f"sounds/sine/{take}.wav", "a; b;c") for take in range(6)]
    data = finetune.dataset(write_csv(tmp_path / "t.csv", rows), multi_label=True)
    expected = {
        "a;b": [1, 1, 0],
        "b": [0, 1, 0],
        "": [0, 0, 0],
        "a": [1, 0, 0],
        "b;c": [0, 1, 1],
        "c": [0, 0, 1],
    }
    noise = [Clip(Path(name), tuple(filter(None, label.split(";")))) for name, label in rows[:6]]
    np.testing.assert_array_equal(data.targets(noise), list(expected.values()))
    assert len(data.clips) == 12


def test_batches_are_the_clips_zero_filled_with_their_targets(folder):
    data = finetune.dataset(folder, batch_size=4)
    clips = data.of("train")
    rows = 0
    for waveforms, targets, weights in data.batches("train"):
        assert waveforms.shape[0] == targets.shape[0] == weights.shape[0]
        for row, target in zip(waveforms.numpy(), targets.numpy(), strict=True):
            sound = audio.to_mono(*audio.load_audio(clips[rows].path), 16_000)
            np.testing.assert_array_equal(row[: len(sound)], sound)
            assert not row[len(sound) :].any()
            assert data.labels[target.argmax()] == clips[rows].labels[0]
            rows += 1
    assert rows == len(clips)


def order_of(batches) -> list[float]:
    return [float(value) for waveforms, *_ in batches for value in waveforms.numpy()[:, 7]]


def test_order_follows_from_seed_and_epoch(folder):
    data = finetune.dataset(folder, seed=1)
    first, second = (
        order_of(data.batches("train", epoch=1)),
        order_of(data.batches("train", epoch=2)),
    )
    assert first != second
    assert sorted(first) == sorted(second) == sorted(order_of(data.batches("train")))
    assert order_of(finetune.dataset(folder, seed=1).batches("train", epoch=1)) == first
    passes = data.batches("train", epoch=1)
    assert [order_of(passes), order_of(passes)] == [first, second], "a pass is an epoch"


def test_class_weights_make_classes_count_the_same(folder):
    for take in range(6, 26):
        soundfile.write(folder / "sine" / f"{take}.wav", waveform("sine", seed=take), 16_000)
    data = finetune.dataset(folder)
    totals = np.zeros(3)
    for _, targets, weights in data.batches("train"):
        totals += weights.numpy() @ targets.numpy()
    count = len(data.of("train"))
    np.testing.assert_allclose(totals, [count / 3] * 3, rtol=1e-6)  # sums of float32
    assert set(finetune.dataset(folder, class_weight=None).weights.values()) == {1.0}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("stage", "on_disk"),
    first(1, [("embedding", False), ("examples", True), ("examples", False), ("embedding", True)]),
)
def test_cached_values_score_as_the_waveforms_do(folder, tmp_path, stage, on_disk):
    tail = np.concatenate([waveform("noise", 1.5), np.zeros(32_000, np.float32)])
    # ends in digital silence, which is padding
    soundfile.write(folder / "noise" / "tail.wav", tail, 16_000)
    data = finetune.dataset(folder, batch_size=5)
    model = small_network.classifier(pool="max")
    values = finetune.cached(data, model, stage, tmp_path / "cache" if on_disk else None)
    back = finetune.back(model, stage)
    for split in ("train", "validation", "test"):
        for (waveforms, *_), (cached, *_) in zip(
            data.batches(split), values.batches(split), strict=True
        ):
            # The same float32 sums in other orders; scores are within [0, 1].
            np.testing.assert_allclose(back(cached), model(waveforms), atol=1e-5)


@pytest.mark.thorough
def test_a_cache_on_disk_is_used_again_and_never_out_of_date(folder, tmp_path, monkeypatch):
    data, model = finetune.dataset(folder), small_network.classifier()
    cache = tmp_path / "cache"
    finetune.cached(data, model, "embedding", cache)
    before = set(cache.iterdir())
    assert len(before) == 18
    computed = []
    compute = finetune.cache._compute
    monkeypatch.setattr(
        finetune.cache, "_compute", lambda *args: computed.extend(args[-1]) or compute(*args)
    )
    finetune.cached(data, model, "embedding", cache)
    assert not computed
    soundfile.write(folder / "sine" / "0.wav", waveform("sine", 1.3, seed=9), 16_000)
    finetune.cached(data, model, "embedding", cache)
    assert names(computed) == ["sine/0.wav"]
    computed.clear()
    model.get_layer("conv1").bias.assign_add([1e-3] * 4)
    finetune.cached(data, model, "embedding", cache)
    assert len(computed) == 18, "the embeddings of another network were taken for this one's"


@pytest.mark.parametrize("stage", ["examples", "embedding"])
def test_a_clip_that_is_damaged_before_it_is_cached_is_named(folder, stage):
    data = finetune.dataset(folder)
    bad = data.clips[4].path
    bad.write_bytes(b"")
    with pytest.raises(AudioError, match=f"{bad.parent.name}/{bad.name} is empty"):
        finetune.cached(data, small_network.classifier(), stage)


def test_waveforms_come_in_order_and_not_all_at_once(folder, monkeypatch):
    data = finetune.dataset(folder)
    clips, read = data.order("train", 1), []
    monkeypatch.setattr(
        "vggish_tf.jobs.finetune.data.read_clip",
        lambda clip, sample_rate: read.append(clip) or np.full(1, clips.index(clip), np.float32),
    )
    waveforms = data.waveforms([*clips, *data.order("train", 1)] * 20)
    assert next(waveforms).item() == 0
    assert len(read) < len(clips) * 40
    assert [each.item() for each in waveforms][: len(clips)] == [*range(1, len(clips)), 0]


@pytest.mark.parametrize("epoch", [-1, 0.5, "0"])
def test_an_epoch_is_a_number(folder, epoch):
    with pytest.raises(UsageError, match="epoch must be a whole number from 0; received"):
        finetune.dataset(folder).batches("train", epoch=epoch)


def test_embeddings_of_a_network_that_moves_are_refused(folder):
    with pytest.raises(VGGishError, match="cannot be cached while the network is trainable"):
        finetune.cached(
            finetune.dataset(folder), small_network.classifier(trainable="fc"), "embedding"
        )


def test_unreadable_clips_are_left_out_and_listed_up_to_a_limit(folder):
    for take in (6, 7):
        (folder / "sine" / f"{take}.wav").write_bytes(b"RIFF")
    data = finetune.dataset(folder, max_unreadable=0.1)  # 2 of 20
    assert names(clip for clip, _ in data.skipped) == ["sine/6.wav", "sine/7.wav"]
    assert all(isinstance(error, AudioError) for _, error in data.skipped)
    assert len(data.clips) == 18
    message = refusal(folder, max_unreadable=0.09)
    assert "2 of 20 clips cannot be read" in message
    assert "sine/6.wav" in message
    assert "sine/7.wav" in message


def test_a_class_whose_readable_files_are_too_few_is_refused(folder):
    for take in range(4):
        (folder / "sine" / f"{take}.wav").write_bytes(b"RIFF")
    assert "'sine' (2)" in refusal(folder, max_unreadable=0.5)


def test_clips_under_one_example_are_named(folder):
    soundfile.write(folder / "sine" / "short.wav", waveform("sine", 15_599 / 16_000), 16_000)
    soundfile.write(folder / "sine" / "whole.wav", waveform("sine", 15_600 / 16_000), 16_000)
    assert names(finetune.dataset(folder).short) == ["sine/short.wav"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "has no subfolders"),
        ({"a": 3, "b": 0}, "no audio files in 'b'"),
        (
            {"a": 3, "b": 1},
            "3 files of each class are needed, one for each split; too few: 'b' (1)",
        ),
        ({"a": 3}, "two classes or more"),
    ],
)
def test_folders_that_are_refused(files, words, tmp_path):
    for label, takes in files.items():
        (tmp_path / label).mkdir()
        for take in range(takes):
            soundfile.write(tmp_path / label / f"{take}.wav", waveform("sine", seed=take), 16_000)
    assert words in refusal(tmp_path)


def test_without_a_test_split_two_files_a_class_are_enough(tmp_path):
    data = finetune.dataset(write_folder(tmp_path / "two", takes=2), test=0)
    assert [len(data.of(split)) for split in ("train", "validation", "test")] == [3, 3, 0]


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ("file,label", ["a.wav,x"], "must name the columns path,label"),
        ("path,label", [], "no rows"),
        ("path,label,start", ["a.wav,x,soon"], "line 2: start must be in seconds"),
        (
            "path,label,start,end",
            ["a.wav,x,1,2", "a.wav,x,2,2"],
            "line 3: a row needs a path, an end after its start",
        ),
        ("path,label,split", ["a.wav,x,training"], "a split out of train, validation, test"),
        ("path,label,split", ["a.wav,x,train", "a.wav,x,test"], "a.wav is in both train and test"),
        ("path,label,split", ["a.wav,x,train", "b.wav,x,"], "1 row has no split"),
        ("path,label", ["a.wav,x;y", "b.wav,x"], "has 2 labels; one is expected"),
        ("path,label", ["a.wav,", "b.wav,x"], "has 0 labels; one is expected"),
        (
            "path,label,split",
            ["a.wav,x,train", "b.wav,y,validation"],
            "no training clip is labelled 'y'",
        ),
        (
            "path,label,split",
            ["a.wav,x,train", "b.wav,y,train"],
            "no clip is in the split validation",
        ),
    ],
)
def test_tables_that_are_refused(columns, rows, words, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("\n".join([columns, *rows]))
    assert words in refusal(table)


def test_labels_outside_the_set(folder):
    assert "is labelled 'noise', outside the set 'sine', 'steps'" in refusal(
        folder, labels=["sine", "steps"]
    )
    assert "no clip is labelled 'cat'" in refusal(folder, labels=[*LABELS, "cat"])
    assert finetune.dataset(folder, labels=LABELS[::-1]).labels == LABELS[::-1]


def test_a_source_that_is_not_there(tmp_path):
    assert "does not exist" in refusal(tmp_path / "nowhere")


def test_a_segment_behind_the_end_is_unreadable(tmp_path):
    soundfile.write(tmp_path / "a.wav", waveform("sine"), 16_000)
    with pytest.raises(AudioError, match=r"a\.wav: no samples from"):
        finetune.read_clip(Clip(tmp_path / "a.wav", ("x",), 1.5), 16_000)


def test_reading_stops_at_the_end_of_a_segment(tmp_path):
    """Damage behind it does not matter, and an hour behind it takes no time."""
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000 * 40)
    soundfile.write(tmp_path / "a.flac", sound, 16_000)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) * 3 // 4])
    assert len(finetune.read_clip(Clip(tmp_path / "a.flac", ("x",), 0.0, 1.0), 16_000)) == 16_000
    with pytest.raises(AudioError):
        finetune.read_clip(Clip(tmp_path / "a.flac", ("x",)), 16_000)


def test_without_a_clip_that_can_be_read_there_is_no_dataset(folder):
    for path in folder.rglob("*.wav"):
        path.write_bytes(b"RIFF")
    message = refusal(folder, max_unreadable=1)
    assert "18 of 18 clips cannot be read" in message
    assert "noise/0.wav" in message
