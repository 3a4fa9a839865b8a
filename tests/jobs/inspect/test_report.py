"""inspect(): its result, text and page; the page is self-contained, and names its weights."""

import os
import re
from functools import partial

import numpy as np
import pytest
import soundfile
from drawing import title
from webpage import RATE, Page, write_tones

from vggish_tf import AudioError, CheckpointError, Embedder, Params, VGGish, VGGishError, cli
from vggish_tf.drawing import pictures
from vggish_tf.jobs.inspect import report
from vggish_tf.reference import mel_features, vggish_input, vggish_postprocess

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture
def file(tmp_path):
    return write_tones(tmp_path)


def said(capsys) -> dict[str, str]:
    """The printed lines by name: the first word or words of each line → the rest."""
    return dict(
        re.split(r"\s{2,}", line, maxsplit=1)
        for line in capsys.readouterr().out.splitlines()
        if "  " in line
    )


def test_a_file_whose_name_is_no_utf_8(file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report.page, "_picture", lambda *_: "")  # which take seconds
    path = file.rename(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    report.inspect(path, output=tmp_path / "page.html")
    assert said(capsys)["file"].startswith("caf\\udce9.wav: ")
    assert "<title>caf\\udce9.wav" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_stages_are_the_references(file, capsys):
    result = report.inspect(file)
    lines = said(capsys)
    assert result.embedding is result.quantized is None
    expected = vggish_input.wavfile_to_examples(str(file))
    assert result.examples.shape == expected.shape == (3, 96, 64)
    np.testing.assert_allclose(result.examples, expected, rtol=0, atol=2e-5)
    assert lines["file"] == f"{file.name}: 3.00 s at 48,000 Hz, the mean of 2 channels (WAV, FLOAT)"
    assert lines["weights"] == "none given: no embeddings"
    assert lines["empty mel bins"] == "none"
    assert lines["padding"] == "none"
    names = ["waveform", "stft_magnitude", "mel_matrix", "log_mel", "examples"]
    for name in names:
        array = getattr(result, name)
        assert lines[name].startswith(str(array.shape))
        assert f"{array.dtype} " in lines[name]
        assert lines[name].endswith(f"{array.min():.4g} … {array.max():.4g}")
    assert [
        re.search(r"[\d.]+ (Hz|\w+/s)", lines[name])[0] for name in names if name != "mel_matrix"
    ] == [
        "16000 Hz",
        "100 frames/s",
        "100 frames/s",
        "1.042 examples/s",
    ]


def test_what_resampling_removes_is_a_fifth_of_the_energy(file, capsys):
    report.inspect(file)
    lines = said(capsys)
    assert lines["resampling"] == (
        "48,000 → 16,000 Hz (soxr HQ) removed all sound above the new Nyquist frequency, 8,000 Hz: "
        "20 % (−7.0 dB) of the energy"
    )
    assert lines["mel bins"] == "cover 125 to 7,500 Hz: 80 % (−1.0 dB) of the energy of the file"


def test_at_its_native_rate_nothing_is_removed(file, capsys):
    result = report.inspect(file, params=Params(sample_rate=RATE, mel_max_hz=24_000))
    lines = said(capsys)
    assert lines["resampling"] == "none: 48,000 Hz is the rate of the front end"
    assert lines["mel bins"] == "cover 125 to 24,000 Hz: 100 % (0.0 dB) of the energy of the file"
    np.testing.assert_array_equal(result.waveform, soundfile.read(file, dtype="float32")[0][:, 0])


def test_a_low_rate_leaves_mel_bins_deaf(tmp_path, capsys):
    soundfile.write(
        tmp_path / "phone.wav", 0.1 * np.random.default_rng(0).standard_normal(16_000), 8000
    )
    result = report.inspect(tmp_path / "phone.wav")
    match = re.search(
        r"above 4,000 Hz there is no sound, so mel bins (\d+) to 63 are nearly empty",
        said(capsys)["resampling"],
    )
    mel = np.exp(result.log_mel[10:-10]) - 0.01
    deaf = int(match[1])
    assert mel[:, deaf:].max() < 0.01 * np.median(mel[:, : deaf - 2]), (
        "what leaks through the resampler's transition"
    )
    assert np.median(mel[:, deaf - 3]) > 0.5 * np.median(mel[:, deaf - 10]), "none too many"


@pytest.mark.filterwarnings("ignore:mel bins")
def test_empty_mel_bins_are_named(file, capsys):
    report.inspect(file, params=Params(num_mel_bins=256))
    named = said(capsys)["empty mel bins"]
    matrix = mel_features.spectrogram_to_mel_matrix(256, 257, 16_000, 125, 7500)
    empty = np.flatnonzero(~matrix.any(axis=0))
    assert len(empty) > 10
    bins = ", ".join(map(str, empty))
    reason = "no FFT bin falls into them, so they are ln(0.01) for any sound"
    assert named == f"{bins}: {reason}"


def test_a_clip_too_short_is_padded_and_that_is_said(tmp_path, capsys):
    soundfile.write(tmp_path / "short.wav", np.zeros(8000), 16_000)
    assert report.inspect(tmp_path / "short.wav").examples.shape == (1, 96, 64)
    assert said(capsys)["padding"] == "with silence, from 0.5 to 0.975 s, to fill one example"


@pytest.mark.slow
def test_the_page_needs_nothing_else_and_says_what_is_printed(file, tmp_path, capsys):
    report.inspect(file, output=tmp_path / "report.html")
    lines, page = said(capsys), Page(tmp_path / "report.html")
    assert len(page.inside("audio/mpeg")) == 1
    assert len(page.addresses) == 1 + len(page.inside("image/png"))
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import", text)
    assert "<b>birds" not in text
    assert "<h1>bats &amp; &lt;b&gt;birds &quot;x&quot;.wav</h1>" in text
    for name in ("file", "resampling", "mel bins", "weights"):
        assert lines[name] in page.text
    assert page.tags.count("section") == 6
    assert page.tags.count("img") == page.tags.count("picture") == 6
    widths = [picture.size[0] for picture in page.pictures()]
    assert widths == [688, 688, 1056, 1056] * 6  # narrow, then wide
    assert all(np.ptp(np.asarray(picture.convert("L"))) > 100 for picture in page.pictures())
    assert (tmp_path / "report.html").stat().st_size < 2e6


def test_with_weights_there_are_embeddings(file, small_checkpoint, pca_params, capsys):
    result = report.inspect(file, weights=small_checkpoint, pca=pca_params)
    embedding, timestamps = Embedder(small_checkpoint).embed_file(file)
    np.testing.assert_array_equal(result.embedding, embedding)
    np.testing.assert_array_equal(result.timestamps, timestamps)
    expected = vggish_postprocess.Postprocessor(pca_params).postprocess(embedding)
    np.testing.assert_array_equal(result.quantized, expected)
    lines = said(capsys)
    assert re.fullmatch(
        r"vggish_model.ckpt, values SHA-256 [0-9a-f]{64}: not the published file",
        lines["weights"],
    )
    assert not {"front end", "not quantized"} & set(lines)


def test_a_changed_front_end_and_absent_pca_parameters_are_said(file, small_checkpoint, capsys):
    params = Params(mel_max_hz=8000, example_hop_seconds=0.48)
    result, lines = report.inspect(file, params=params, weights=small_checkpoint), said(capsys)
    assert result.quantized is None
    assert lines["not quantized"].startswith("without PCA parameters: ")
    assert lines["front end"].startswith(
        "not the published one (mel_max_hz=8000): unless these weights were trained"
    )


@pytest.mark.slow
def test_untrained_weights_are_named_in_words_and_pictures(
    file, pca_params, tmp_path, capsys, monkeypatch
):
    path, titles = tmp_path / "untrained.weights.h5", []
    VGGish(weights=None, inputs="examples").save_weights(path)
    one = report.page.pages.one

    def noted(*args, **kwargs):
        figure = one(*args, **kwargs)
        titles.append(" ".join(title(figure.axes[0]).split()))
        return figure

    monkeypatch.setattr(report.page.pages, "one", noted)
    report.inspect(file, weights=path, pca=pca_params, output=tmp_path / "report.html")
    assert said(capsys)["weights"].startswith(
        "UNTRAINED (untrained.weights.h5): these weights are untrained"
    )
    page = Page(tmp_path / "report.html")
    for words in ("UNTRAINED", "Embedding", "Quantized embedding", "Self-similarity"):
        assert words in page.text
    assert page.tags.count("img") == 9
    warning = "UNTRAINED WEIGHTS: these embeddings mean nothing."
    assert [each.startswith(warning) for each in titles] == [False] * 24 + [True] * 12
    assert [caption.startswith(warning) for caption in page.captions] == [False] * 6 + [True] * 3


def test_what_cannot_work_fails_before_the_work(file, tmp_path, monkeypatch):
    monkeypatch.setattr(
        report.audio, "load_audio", lambda path: pytest.fail("the file was decoded")
    )
    with pytest.raises(CheckpointError):
        report.inspect(file, weights="audioset", output=tmp_path / "report.html")
    with pytest.raises(VGGishError, match="does not exist"):
        report.inspect(file, output=tmp_path / "missing" / "report.html")
    with pytest.raises(VGGishError, match=r"must end in .html or .htm. Name it .*\.html"):
        report.inspect(file, output=file)
    with pytest.raises(AudioError):
        report.inspect(tmp_path / "missing.wav", output=tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.thorough
def test_the_command(file, tmp_path, capsys, monkeypatch):
    coarse = partial(pictures.png, dots_per_inch=10)  # those of test_page.py are as sharp as ever
    monkeypatch.setattr(pictures, "png", lambda figure, _: coarse(figure))
    target = tmp_path / "report.html"
    command = [
        "inspect",
        str(file),
        "--native-rate",
        "--set",
        "mel_max_hz=24000",
        "-o",
        str(target),
    ]
    assert cli.main(command) == 0
    lines = said(capsys)
    assert lines["resampling"].startswith("none: 48,000 Hz")
    assert lines["mel bins"].startswith("cover 125 to 24,000 Hz: 100 %")
    assert lines["waveform"].startswith("(144000,)")
    assert Page(target).tags.count("img") == 6


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--set", "mel_max_hz=24000"], 2, "mel_max_hz must be at most 8000"),
        (["--native-rate", "--set", "mel_max_hz=24001"], 2, "mel_max_hz must be at most 24000"),
        (["--native-rate", "--set", "sample_rate=16000"], 2, "--native-rate"),
        (["--weights", "audioset"], 4, "vggish_model.ckpt"),
    ],
)
def test_mistakes_are_one_line(arguments, status, message, file, tmp_path, capsys):
    target = tmp_path / "report.html"
    assert cli.main(["inspect", str(file), "-o", str(target), *arguments]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not target.exists()
