"""Modules of the page in node: prototypes, headers, samples of few bits, pictures, workers."""

import javascript
import numpy as np
import pytest
import soundfile
from matplotlib import colormaps

PROTOTYPES = """
import { Prototypes } from "SITE/prototypes.js";
const rows = array("rows"), row = (i) => rows.subarray(128 * i, 128 * (i + 1));
const made = new Prototypes();
given.labels.forEach((label, i) => made.add(label, [row(i)]));
const manifest = { weights: { values_sha256: "a" }, params: {}, precision: "int8" };
const json = JSON.parse(JSON.stringify(made.toJSON(manifest)));
const again = Prototypes.from(json, manifest);
const query = row(given.labels.length);
for (const [name, prototypes] of Object.entries({ made, again })) {
  const scores = prototypes.scores(query);
  const cosine = (label) => scores.find((score) => score.label === label).cosine;
  give(`${name}.cosines`, prototypes.labels.map(cosine));
  give(`${name}.order`, scores.map((score) => prototypes.labels.indexOf(score.label)));
}
const refused = (json) => {
  try { Prototypes.from(json, manifest); return 0; } catch { return 1; }
};
give("refused", [refused({}), refused({ ...json, version: 2 }),
  refused({ ...json, weights: { values_sha256: "b" } }), refused(json)]);
const params = { log_offset: 0.01, example_hop_seconds: 0.96 };
manifest.params = params;
give("params", [null, { ...params, log_offset: 0.1 }, { ...params, triangles: 1 },
  { example_hop_seconds: 0.24, log_offset: 0.01 }].map((params) => refused({ ...json, params })));
manifest.params = {};
const [first] = json.prototypes;
const other = (changes) => ({ ...json, prototypes: [{ ...first, ...changes }] });
give("damaged", [null, undefined, 5].map((row) => refused({ ...json, prototypes: [row] })).concat(
  [{ label: "" }, { label: 5 }, { examples: 0 }, { examples: 1.5 }, { embedding: [1, 2] },
   { embedding: first.embedding.map(() => 0) }, { embedding: first.embedding.map(String) }]
    .map((changes) => refused(other(changes))),
  [refused({ ...json, prototypes: [first, first] }), refused(other({}))]));
"""


def test_prototypes_are_mean_directions_and_the_nearest_wins():
    rows = np.random.default_rng(0).standard_normal((6, 128)) * np.arange(1, 7)[:, np.newaxis]
    labels = ["a", "b", "a", "b", "b"]
    found = javascript.run(PROTOTYPES, {"rows": rows}, {"labels": labels})
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    means = np.stack([directions[[0, 2]].mean(axis=0), directions[[1, 3, 4]].mean(axis=0)])
    cosines = means @ directions[5] / np.linalg.norm(means, axis=1)
    for name in ("made", "again"):  # again: saved and loaded
        np.testing.assert_allclose(found[f"{name}.cosines"], cosines, atol=1e-12)
        np.testing.assert_array_equal(found[f"{name}.order"], np.argsort(-cosines))


def test_prototypes_of_other_weights_or_another_front_end_are_refused():
    rows = np.random.default_rng(0).standard_normal((2, 128))
    found = javascript.run(PROTOTYPES, {"rows": rows}, {"labels": ["a"]})
    np.testing.assert_array_equal(found["refused"], [1, 1, 1, 0])
    np.testing.assert_array_equal(found["params"], [1, 1, 1, 0])  # the last has another hop
    np.testing.assert_array_equal(found["damaged"], [1] * 11 + [0])  # the last is whole


RATES = """
import { rateOf } from "SITE/sources.js";
give("rates", given.paths.map((path) => {
  const bytes = new Uint8Array(fs.readFileSync(path));
  return rateOf(new DataView(bytes.buffer)) ?? 0;
}));
"""


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_the_rate_of_a_file_is_that_of_its_header(rate, tmp_path):
    """soundfile writes the files; Opus has 48 kHz, whatever was recorded."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (rate, 2))
    formats = {"wav": "PCM_16", "flac": "PCM_24", "mp3": None, "ogg": "VORBIS", "opus": "OPUS"}
    paths = [tmp_path / f"sound.{ending}" for ending in formats]
    for path, subtype in zip(paths, formats.values(), strict=True):
        if path.suffix == ".opus":
            soundfile.write(path, noise[:16_000], 16_000, subtype, format="OGG")
        else:
            soundfile.write(path, noise, rate, subtype)
    found = javascript.run(RATES, {}, {"paths": [str(path) for path in paths]})["rates"]
    np.testing.assert_array_equal(found, [rate, rate, rate, rate, 48_000])


def test_no_rate_is_found_in_noise(tmp_path):
    """One header of an MP3 is there by chance, but not a second one where the first frame ends."""
    noise = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.bin" for i in range(20)]
    for i, path in enumerate(paths):
        path.write_bytes([b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90\x64"][i % 2] + noise.bytes(8000))
    found = javascript.run(RATES, {}, {"paths": [str(path) for path in paths]})["rates"]
    np.testing.assert_array_equal(found, 0)


def test_an_odd_rate_is_left_to_the_browser(tmp_path):
    soundfile.write(tmp_path / "odd.wav", np.zeros(100), 47_999)
    found = javascript.run(RATES, {}, {"paths": [str(tmp_path / "odd.wav")]})["rates"]
    np.testing.assert_array_equal(found, [0])


def test_files_that_are_cut_or_no_sound_have_no_rate(tmp_path):
    for ending in ("wav", "ogg"):
        soundfile.write(tmp_path / f"whole.{ending}", np.zeros(100), 16_000)
    wav, ogg = ((tmp_path / f"whole.{ending}").read_bytes() for ending in ("wav", "ogg"))
    vorbis = ogg.index(b"vorbis") + 6
    cut = [wav[:length] for length in (0, 3, 11, 20)] + [ogg[:vorbis], ogg[: vorbis + 8], b"ID3"]
    paths = [tmp_path / str(number) for number in range(len(cut))]
    for path, content in zip(paths, cut, strict=True):
        path.write_bytes(content)
    found = javascript.run(RATES, {}, {"paths": [str(path) for path in paths]})["rates"]
    np.testing.assert_array_equal(found, 0)


SYMMETRIC = """
import { symmetric } from "SITE/sources.js";
give("found", symmetric(Float32Array.from(array("samples"))));
"""


@pytest.mark.parametrize(
    ("full", "numbers"),
    [
        (128, np.arange(-128, 128)),
        (32_768, np.arange(-32_768, 32_768, 7)),
        (32_768, np.arange(-32_768, 32_768, 256)),  # 8 bits that were made 16
    ],
)
def test_samples_of_8_or_16_bits_are_as_everywhere(full, numbers):
    """Chromium divides the positive ones by 127 or 32,767."""
    chromium = np.where(numbers > 0, numbers / (full - 1), numbers / full).astype(np.float32)
    found = javascript.run(SYMMETRIC, {"samples": chromium})["found"]
    np.testing.assert_array_equal(found, numbers / full)


def test_other_samples_are_left_alone():
    others = {
        "8 bits as everywhere": np.arange(-128, 128) / 128,
        "16 bits as everywhere": np.arange(-32_768, 32_768, 7) / 32_768,
        "24 bits": np.random.default_rng(0).integers(-(1 << 23), 1 << 23, 5000) / (1 << 23),
    }
    for samples in others.values():
        found = javascript.run(SYMMETRIC, {"samples": samples})["found"]
        np.testing.assert_array_equal(found, samples.astype(np.float32))


PICTURES = """
import { signed } from "SITE/colours.js";
import { Track } from "SITE/track.js";
give("signed", Array.from({ length: 101 }, (_, i) => signed(false)(i / 100)).flat());
const file = new Track(1, 10, 25), live = new Track(1, 10);
for (let i = 0; i < 25; i++) file.put(i, [i]), live.put(i, [i]);
const shown = (track) =>
  Array.from({ length: track.columns }, (_, i) => track.at(track.first + i)[0]);
give("file", shown(file));
give("live", shown(live));
give("frames", [...file.frames(), ...live.frames()]);
"""


def test_pictures_have_the_colours_of_inspect_and_the_columns_that_they_should():
    found = javascript.run(PICTURES, {})
    expected = 255 * colormaps["RdBu_r"](np.linspace(0, 1, 101))[:, :3]
    np.testing.assert_allclose(found["signed"].reshape(-1, 3), expected, atol=4)  # of 256 steps
    np.testing.assert_array_equal(found["file"], [2, 5, 8, 11, 14, 17, 20, 23, 24])
    np.testing.assert_array_equal(found["live"], np.arange(15, 25))
    np.testing.assert_array_equal(found["frames"], [0, 27, 15, 25])


WORKERS = """
import assert from "node:assert";
import { Listener } from "SITE/listener.js";
import { Network } from "SITE/network.js";
globalThis.Worker = class { postMessage() {} };
const listener = () => new Listener({ sample_rate: 16000 }, {}, {});
"""


def run_with_workers(code):
    """Runs a script whose workers do nothing by themselves."""
    javascript.run(WORKERS + code, {})


def test_a_network_worker_that_fails_before_it_is_asked_is_said():
    """The error event of a script that cannot be loaded has no message."""
    run_with_workers("""
const network = new Network();
network.worker.onerror({});
const message = "network_worker.js cannot be started.";
await assert.rejects(network.load({}, {}, {}), { message });
""")


def test_a_front_end_that_fails_is_said():
    run_with_workers("""
const made = listener(), said = [];
made.onerror = ({ message }) => said.push(message);
made.worker.onerror({});
const message = "The front end failed: sound_worker.js cannot be started.";
await assert.rejects(made.ready, { message });
made.worker.onerror({ message: "no memory" });
assert.deepEqual(said, [message, "The front end failed: no memory"]);
""")


def test_a_front_end_is_ready_when_it_says_so():
    run_with_workers("""
const made = listener();
made.worker.onmessage({ data: { type: "ready" } });
await made.ready;
""")


def test_sounds_held_one_after_the_other_are_not_mixed_up():
    run_with_workers("""
const made = listener(), held = [made.release(), made.release()];
for (const name of ["A", "B"]) made.worker.onmessage({ data: { type: "held", examples: [name] } });
assert.deepEqual(await Promise.all(held), [["A"], ["B"]]);
""")
