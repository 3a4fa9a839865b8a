"""The microphone of Chromium, which plays a file: rows as they come, and teaching by example."""

import json
import re

import measures
import numpy as np
import pytest
import small_network
import soundfile
import soxr
import webapp

from vggish_tf import Embedder
from vggish_tf.jobs import classify

pytestmark = pytest.mark.thorough

RECORD = """() => {
  window.recorded = [];
  const push = vggish.listener.push.bind(vggish.listener);
  vggish.listener.push = (samples) => { recorded.push(...samples); push(samples); };
}"""
ROWS = "vggish.listener.rows.map(({ start, end, embedding }) => [start, end, ...embedding])"


@pytest.fixture
def page(browser_with_microphone, address):
    permissions = {"permissions": ["microphone"]}
    with webapp.opened(browser_with_microphone, address, **permissions) as page:
        yield page


# How many mel bins of the last frame are loud: a siren has a few tones, rain fills all of them.
LOUD = """() => {
  const { track } = vggish.panels.panels.log_mel;
  return track.at(track.last)?.filter((value) => value > -1).length ?? 0;
}"""
RAIN, SIREN = "rain", "siren"


def wait_until(page, condition, seconds=60):
    """Waits for JavaScript to be true; the policy of the page forbids Playwright's own way."""
    for _ in range(20 * seconds):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not true within {seconds} s: {condition}")


def wait_for(page, sound):
    """Waits until a sound has just begun; gives up after the whole file."""
    before = None
    for _ in range(600):
        bins = page.evaluate(LOUD)
        heard = RAIN if bins > 50 else SIREN if 0 < bins < 40 else None
        if heard == sound and before not in (sound, None):
            return
        before = heard or before
        page.wait_for_timeout(40)
    raise AssertionError(f"no {sound} was heard")


def hold(page, number, seconds):
    """Holds the button of the sound of that number."""
    button = page.locator(".hold").nth(number)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.wait_for_timeout(1000 * seconds)
    page.mouse.up()
    button.locator("xpath=..").filter(has_text=re.compile(r"[1-9] example")).wait_for(
        timeout=60_000
    )


def test_rows_of_the_microphone_are_those_of_the_file(page, small_model, microphone_file):
    loaded = len(webapp.requests(page))
    page.evaluate(RECORD)
    page.click("#listen")
    wait_until(
        page, "vggish.listener.rows.length >= 4 && recorded.length > 3 * vggish.listener.rate"
    )
    page.click("#listen")
    rows, rate = np.array(page.evaluate(ROWS)), page.evaluate("vggish.listener.rate")
    recorded = np.array(page.evaluate("recorded"), np.float32)
    with small_network.shrunken():
        expected = Embedder(small_model, pad="never")(recorded, rate)
    np.testing.assert_allclose(rows[:, 0], expected.timestamps[: len(rows)], atol=1e-9)
    assert measures.cosines(rows[:, 2:], expected.embedding[: len(rows)]).min() > 0.9999
    assert webapp.requests(page)[loaded:] == []
    figures = page.inner_text("#figures")
    assert re.search(r"[\d.]+ s an example: [\d.]+ times real time", figures)
    assert re.search(r"\d\.\d\d s from the sound to its embedding", figures)
    assert _is_heard_in(*soundfile.read(microphone_file), recorded, rate)


def _is_heard_in(clip, rate, recorded, recorded_rate):
    """A second of the recording is somewhere in the file, which goes round and round."""
    part = soxr.resample(recorded.astype(np.float64), recorded_rate, rate)[2 * rate : 3 * rate]
    around = np.concatenate([clip, clip[:rate]])
    size = len(around) + len(part)
    products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(part, size)), size)
    sums = np.concatenate([[0], np.cumsum(around**2)])
    energies = sums[len(part) :] - sums[: -len(part)]
    cosines = products[: len(energies)] / np.sqrt(np.maximum(energies, 1e-9)) / np.linalg.norm(part)
    return cosines.max() > 0.99


def test_held_sounds_are_learned_and_told_apart(page, small_model, microphone_file, tmp_path):
    """On the page, and from its JSON by `vggish-tf classify`."""
    for number, name in enumerate((SIREN, RAIN)):
        page.locator("#labels input[type=text]").nth(number).fill(name)
        page.keyboard.press("Tab")
    page.select_option("#hop", label="0.24 s")
    page.click("#listen")
    for number, name in enumerate((SIREN, RAIN)):
        wait_for(page, name)
        hold(page, number, 1.7)
    for name in (SIREN, RAIN):
        wait_for(page, name)
        page.locator("#nearest").filter(has_text=f"Sounds like: {name}").wait_for(timeout=7000)
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "prototypes.json")
    saved = json.loads((tmp_path / "prototypes.json").read_text())
    assert [each["label"] for each in saved["prototypes"]] == [SIREN, RAIN]
    clip, rate = soundfile.read(microphone_file)  # a second of rain, 8 s of siren, 8 s of rain
    scores = []
    with small_network.shrunken():
        nearest = classify.NearestPrototype(tmp_path / "prototypes.json", weights=small_model)
    for sound in (clip[rate : 9 * rate], clip[10 * rate :]):
        soundfile.write(tmp_path / "sound.wav", sound, rate)
        scores.append(nearest.classify(tmp_path / "sound.wav").scores)
    assert nearest.labels == [SIREN, RAIN]
    assert np.argmax(scores, axis=1).tolist() == [0, 1]


def test_a_short_press_is_said_to_be_too_short(page):
    page.click("#listen")
    wait_until(page, "vggish.listener.live")
    page.locator(".hold").first.focus()
    page.keyboard.down(" ")
    page.wait_for_timeout(100)
    page.keyboard.up(" ")
    page.locator("#message").filter(has_text="That was too short").wait_for()


def test_listening_works_after_a_file_was_opened_during_the_question(page):
    """The browser asks for permission, and a file is opened before the answer."""
    page.evaluate("""async () => {
      const { mediaDevices } = navigator, ask = mediaDevices.getUserMedia.bind(mediaDevices);
      let allow;
      const allowed = new Promise((resolve) => { allow = resolve; });
      mediaDevices.getUserMedia = (how) => allowed.then(() => ask(how));
      const first = vggish.listen();
      await vggish.open(vggish.demo);
      const second = vggish.listen();
      allow();
      await Promise.all([first, second]);
    }""")
    assert page.evaluate("vggish.listener.live")
    assert page.inner_text("#listen") == "Stop"


def test_a_file_is_let_go_for_the_microphone(page):
    page.evaluate("vggish.open(vggish.demo).then(() => vggish.listen())")
    assert page.evaluate("vggish.sound") is None
    assert page.locator("#player").get_attribute("src") is None
