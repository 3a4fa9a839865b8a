"""The page in Chromium: its numbers are Python's, and it says what is wrong. A small network."""

import contextlib
import json
import shutil

import measures
import numpy as np
import pytest
import small_network
import soundfile
import webapp
from serving_folders import serving

from vggish_tf import Embedder, Params, audio, stages
from vggish_tf.jobs.demo import DATA

pytestmark = pytest.mark.thorough

FLOAT32 = 0.9999  # cosine of a row; two resamplers and two orders of summation: 0.999999 seen


@pytest.fixture(scope="module")
def demo():
    return audio.load_audio(str(DATA / "demo.flac"))


def in_python(model, *sound, **options):
    with small_network.shrunken():
        return Embedder(model, pad="never", **options)(*sound)


@pytest.fixture(scope="module")
def page(browser, address):
    with webapp.opened(browser, address, viewport={"width": 1200, "height": 900}) as page:
        yield page


def test_embeddings_of_the_demo_clip_are_pythons(page, small_model, demo):
    rows = webapp.rows_of_demo(page)
    expected = in_python(small_model, *demo)
    np.testing.assert_allclose(rows[:, 0], expected.timestamps, atol=1e-9)
    np.testing.assert_allclose(rows[:, 1] - rows[:, 0], 0.96, atol=1e-9)
    assert measures.cosines(rows[:, 2:], expected.embedding).min() > FLOAT32


def test_the_pictures_hold_pythons_log_mel(page, demo):
    """A column holds the largest of three frames: the clip has 1,923, the picture 960 columns."""
    webapp.rows_of_demo(page)
    track = page.evaluate("""() => {
      const { track } = vggish.panels.panels.log_mel;
      const columns = Array.from({ length: track.columns }, (_, i) => [...track.at(i)]);
      return { columns, perColumn: track.perColumn };
    }""")
    expected = stages.compute(*demo, pad="never").log_mel
    assert track["perColumn"] == 3
    pooled = np.maximum.reduceat(expected, np.arange(0, len(expected), 3))
    difference = np.abs(np.array(track["columns"]) - pooled)
    assert difference.max() < 1e-3


def test_another_hop_gives_more_rows(page, small_model, demo):
    page.select_option("#hop", label="0.24 s")
    rows = webapp.rows_of_demo(page)
    page.select_option("#hop", label="0.96 s")
    params = Params(example_hop_seconds=0.24)
    expected = in_python(small_model, *demo, params=params)
    np.testing.assert_allclose(rows[:, 0], expected.timestamps, atol=1e-9)
    assert measures.cosines(rows[:, 2:], expected.embedding).min() > FLOAT32


def test_nothing_is_requested_after_loading(browser, address):
    """Before it only from its own server; test_live says the same of the microphone."""
    with webapp.opened(browser, address) as page:
        before = len(webapp.requests(page))
        assert all(url.startswith(address) for url in webapp.requests(page))
        webapp.rows_of_demo(page)
        assert webapp.requests(page)[before:] == []


def test_the_page_and_its_workers_may_reach_no_other_address(page, browser, address):
    """The browser forbids it, by the policy in the page and those that serve sends with scripts."""
    with webapp.listener() as (other, requests):
        send = f"fetch('{other}', {{ mode: 'no-cors' }}).then(() => 'sent', () => 'refused')"
        workers = [each for each in page.workers if each.url.endswith("_worker.js")]
        assert len(workers) == 2  # the front end's and the network's; its threads answer nobody
        assert [each.evaluate(send) for each in (page, *workers)] == ["refused"] * 3
        assert requests == []
        free = browser.new_page()
        free.goto(f"{address}manifest.json")  # which has no policy: the test can fail
        free.evaluate(send)
        free.close()
        assert len(requests) == 1


def test_a_second_visit_starts_from_the_browsers_store(browser, address):
    with webapp.opened(browser, address) as page:
        assert "loaded from\nthe server" in page.inner_text("#about")
        assert page.evaluate("document.getElementById('progress').value") == 1
        page.asked.clear()
        page.reload()
        webapp.ready(page)
        assert "loaded from\nthis browser's store" in page.inner_text("#about")
        assert [url for url in page.asked if url.endswith(".onnx")] == []
        assert len(webapp.rows_of_demo(page)) == 20


def test_damaged_weights_are_refused(browser, site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    content = bytearray((copy / "vggish.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "vggish.onnx").write_bytes(content)
    with serving(copy) as server, webapp.opened(browser, server.address) as page:
        assert "vggish.onnx is damaged: it does not have the digest" in page.inner_text("#message")
        assert "The pictures work" in page.inner_text("#message")
        assert page.evaluate("vggish.open(vggish.demo).then((rows) => rows.length)") == 0


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        ("sound_worker.js", "The front end failed: sound_worker.js cannot be started."),
        ("network_worker.js", "The pictures work, the embeddings do not: network_worker.js cannot"),
    ],
)
def test_a_worker_that_cannot_start_is_said(worker, words, browser, site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    (copy / worker).unlink()
    with serving(copy) as server, webapp.opened(browser, server.address) as page:
        assert words in page.inner_text("#message")
        assert not page.is_visible("#loading")


def test_a_file_that_is_dropped_while_the_page_loads_does_not_replace_it(browser, address):
    drop = """() => ["dragover", "drop"].map(
      (kind) => dispatchEvent(new DragEvent(kind, { cancelable: true })))"""
    with contextlib.closing(browser.new_page()) as page:
        page.route("**/manifest.json", lambda _: None)  # it loads for ever
        page.goto(address)
        assert page.evaluate(drop) == [False, False]  # the browser's own action is prevented


def test_a_file_that_is_dropped_is_opened(page):
    page.evaluate("""() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["no sound"], "dropped.txt"));
      dispatchEvent(new DragEvent("drop", { cancelable: true, dataTransfer }));
    }""")
    page.locator("#message").filter(has_text="dropped.txt is not audio").wait_for()


def test_it_runs_in_threads_where_the_page_is_isolated(page):
    assert page.evaluate("crossOriginIsolated") is True
    threads = min(4, page.evaluate("navigator.hardwareConcurrency"))
    assert f"(WebAssembly), {threads} thread" in page.inner_text("#about")


def test_one_thread_will_do(browser, address, small_model, demo):
    with webapp.opened(browser, f"{address}?run=wasm&threads=1") as page:
        assert "1 thread" in page.inner_text("#about")
        rows = webapp.rows_of_demo(page)
    expected = in_python(small_model, *demo)
    assert measures.cosines(rows[:, 2:], expected.embedding).min() > FLOAT32


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24"])
def test_samples_of_a_file_are_those_of_other_programs(subtype, page, tmp_path):
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000)
    soundfile.write(tmp_path / "noise.wav", noise, 16_000, subtype)
    page.evaluate("vggish.sound = null")
    page.set_input_files("#file", tmp_path / "noise.wav")
    page.locator("#player").wait_for()
    expected, _ = soundfile.read(tmp_path / "noise.wav", dtype="float32")
    found = page.evaluate("[...vggish.sound.samples]")
    np.testing.assert_array_equal(np.array(found, np.float32), expected)


def test_without_web_assembly_the_pictures_work(browser, address):
    with webapp.opened(browser, address) as page:
        page.add_init_script("delete globalThis.WebAssembly")
        page.reload()
        webapp.ready(page)
        assert "this browser has no WebAssembly" in page.inner_text("#message")
        page.evaluate("vggish.open(vggish.demo).then(() => null)")
        assert page.evaluate("vggish.panels.panels.log_mel.track.last") == 640


def test_without_a_microphone_it_says_so(browser, address):
    with webapp.opened(browser, address) as page:  # headless Chromium has none
        page.click("#listen")
        page.locator("#message").filter(has_text="microphone").wait_for(timeout=5000)


def test_without_permission_it_says_so(browser_with_microphone, address):
    with webapp.opened(browser_with_microphone, address, permissions=[]) as page:
        page.click("#listen")
        page.locator("#message").filter(has_text="Allow it beside the address").wait_for()


def test_files_that_are_no_sound_or_too_short(page, tmp_path):
    (tmp_path / "note.txt").write_text("no sound")
    page.set_input_files("#file", tmp_path / "note.txt")
    page.locator("#message").filter(has_text="note.txt is not audio").wait_for()
    soundfile.write(tmp_path / "short.wav", np.zeros(15_599), 16_000)
    page.set_input_files("#file", tmp_path / "short.wav")
    page.locator("#message").filter(has_text="takes 0.975 s").wait_for()
    damaged = np.zeros(32_000, np.float32)
    damaged[20_000] = np.nan
    soundfile.write(tmp_path / "damaged.wav", damaged, 16_000, "FLOAT")
    page.set_input_files("#file", tmp_path / "damaged.wav")
    page.locator("#message").filter(has_text="samples that are not finite").wait_for()


def test_what_was_opened_last_is_what_runs(page):
    code = "Promise.all([1, 2].map(() => vggish.open(vggish.demo).then((rows) => rows.length)))"
    assert page.evaluate(code) == [0, 20]
    assert page.evaluate("vggish.listener.rows.length") == 20


def test_a_network_that_fails_is_said_and_ends_the_run(page):
    code = """async () => {
      const { embedAll } = vggish.network;
      vggish.network.embedAll = async () => { throw new Error("out of memory"); };
      const rows = await vggish.open(vggish.demo);
      vggish.network.embedAll = embedAll;
      return rows.length;
    }"""
    assert page.evaluate(code) == 0
    assert page.inner_text("#message") == "The network failed: out of memory"
    assert len(webapp.rows_of_demo(page)) == 20


def test_untrained_weights_are_said_large(browser, site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    manifest = json.loads((copy / "manifest.json").read_text())
    for untrained in (True, False):
        manifest["weights"]["untrained"] = untrained
        (copy / "manifest.json").write_text(json.dumps(manifest))
        with serving(copy) as server, webapp.opened(browser, server.address) as page:
            assert page.is_visible("#untrained") is untrained


def test_a_phones_width_in_the_light_and_in_the_dark(browser, address):
    size = {"width": 390, "height": 844}
    with webapp.opened(browser, address, viewport=size) as page:
        webapp.rows_of_demo(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        boxes = [page.locator(name).bounding_box() for name in ("#waveform", "#labels", "#about")]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
        grounds = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert grounds == ["rgb(244, 245, 247)", "rgb(21, 24, 29)"]


def test_every_control_can_be_reached_with_tab(page):
    seen = set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(30):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"listen", "file", "demo", "hop", "hold", "remove", "add", "load"} <= seen


def test_from_the_disk_it_says_what_to_do(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    assert "vggish-tf serve" in page.inner_text("#message")
    page.close()
