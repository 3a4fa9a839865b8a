"""The page with the network as large as the published one, in every precision."""

import json

import measures
import numpy as np
import pytest
import webapp
from serving_folders import serving

from vggish_tf import Embedder, audio
from vggish_tf.jobs.demo import DATA
from vggish_tf.jobs.export import export

pytestmark = pytest.mark.slow
MEGABYTES = {"int8": 85.6, "int4": 57.8, "float16": 144.3, "float32": 288.6}
SPEECH_AND_MUSIC = slice(0, 12)  # rows: the others' sounds are none that the exporter measures


@pytest.mark.parametrize("precision", MEGABYTES)
def test_rows_are_as_near_to_float32_as_the_page_says(
    precision, seeded_checkpoint, onnxruntime_web, browser, tmp_path, monkeypatch
):
    monkeypatch.setenv("VGGISH_TF_CACHE", str(onnxruntime_web.parent))
    site = export(seeded_checkpoint, tmp_path / "site", format="web", precision=precision)
    size = (site / "vggish.onnx").stat().st_size
    assert size == pytest.approx(MEGABYTES[precision] * 1e6, rel=0.01)
    cosines = json.loads((site / "manifest.json").read_text())["cosines"]
    with serving(site) as server, webapp.opened(browser, server.address) as page:
        rows = webapp.rows_of_demo(page)
    expected = Embedder(seeded_checkpoint, pad="never")(*audio.load_audio(str(DATA / "demo.flac")))
    found = measures.cosines(rows[:, 2:], expected.embedding)
    assert found[SPEECH_AND_MUSIC].min() > min(cosines["speech"], cosines["music"]) - 1e-5
    assert (
        found.min() > {"float32": 0.9999, "float16": 0.9999, "int8": 0.999, "int4": 0.97}[precision]
    )
    assert np.isfinite(rows).all()
