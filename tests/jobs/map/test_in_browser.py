"""The page in Chromium: points, clicks, sound, neighbours, search, legend, lasso, keys, a phone."""

import csv
import io

import archives
import numpy as np
import pytest
from browser import chromium
from matplotlib.colors import to_rgb
from matplotlib.path import Path as Polygon
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize
from tones import COUNT, FILES, HERTZ, ROWS, file_of, start_of

from vggish_tf import formats
from vggish_tf.jobs import map, search

pytestmark = pytest.mark.thorough

LABELS = {FILES[0]: "water", FILES[1]: "water", FILES[3]: "</script><b>&amp;"}


@pytest.fixture(scope="module")
def pages(machine):
    """`map.html`, and `embedded/map.html` with its sounds inside and none beside it."""
    with open(machine / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *LABELS.items()])
    map.write(machine / "rows.parquet", machine / "map.html", labels=machine / "labels.csv")
    (machine / "embedded").mkdir()
    map.write(machine / "rows.parquet", machine / "embedded" / "map.html", embed_audio=True)
    return machine


@pytest.fixture(scope="module")
def rows(machine):
    return np.concatenate([clip.embedding for clip in formats.read(machine / "rows.parquet").clips])


@pytest.fixture(scope="module")
def browser():
    with chromium("--autoplay-policy=no-user-gesture-required") as found:
        yield found


class Page:
    """A page that was opened, with everything that it asked for and complained about."""

    def __init__(self, browser, path, hash="", **context):
        self.context = browser.new_context(accept_downloads=True, **context)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.goto(path.as_uri() + hash)
        self.wait_for("window.vggishMap")

    def _heard(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def __getattr__(self, name):
        return getattr(self.page, name)

    def wait_for(self, condition):
        """Waits in here: the page lets no text be evaluated."""
        for _ in range(200):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(condition)

    def state(self):
        return self.page.evaluate("vggishMap.state()")

    def place(self, number):
        place = self.page.evaluate("(number) => vggishMap.place(number)", number)
        return place["x"], place["y"]

    def pixels(self):
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"), float)

    def click_point(self, number):
        self.page.mouse.click(*self.place(number))

    def text(self, name):
        return self.page.inner_text(f"#{name}")


@pytest.fixture
def opened(browser, pages):
    """A function that opens a page; at the end none has complained, or asked for another thing."""
    made = []

    def open_page(name="map.html", hash="", **context):
        context = {"viewport": {"width": 1200, "height": 800}, **context}
        made.append(Page(browser, pages / name, hash, **context))
        return made[-1]

    yield open_page
    for page in made:
        page.context.close()
        assert page.complaints == []
        allowed = ("file:///", "blob:", "data:")
        assert [url for url in page.requests if not url.startswith(allowed)] == []


def apart(page, least=12):
    """Segments of which the points have no other one that near, in pixels."""
    places = np.array([page.place(number) for number in range(COUNT)])
    distance = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    np.fill_diagonal(distance, np.inf)
    return [int(number) for number in np.flatnonzero(distance.min(axis=1) > least)]


@pytest.mark.parametrize("painter", ["canvas", "webgl"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_points_are_where_pca_puts_them_in_the_colours_of_the_legend(
    painter, scheme, opened, rows, browser
):
    page = opened(hash=f"#{painter}", color_scheme=scheme)
    if page.evaluate("vggishMap.painter") != painter:
        pytest.skip("this Chromium has no WebGL")
    page.wait_for_timeout(200)
    pixels = page.pixels()
    places = np.array([page.place(number) for number in range(COUNT)])
    check_places(places, rows)
    swatches = legend_of(page)
    seen = set()
    for number in apart(page):
        label = LABELS.get(file_of(number), "no label")
        column, row = np.round(places[number]).astype(int)
        np.testing.assert_allclose(pixels[row, column], swatches[label], atol=3)
        seen.add(label)
    assert len(seen) == 3
    ground = (
        [255] * 3 if scheme == "light" else [int(each * 255 + 0.5) for each in to_rgb("#15181d")]
    )
    np.testing.assert_allclose(pixels[790, 300], ground)


def check_places(places, rows):
    """The points of PCA, of which each sign is free, at one scale with y up; inside the stage."""
    points = PCA(2, svd_solver="full").fit_transform(normalize(rows.astype(np.float64)))
    across, down = (np.polyfit(points[:, axis], places[:, axis], 1, full=True) for axis in (0, 1))
    assert abs(across[0][0]) == pytest.approx(abs(down[0][0]), rel=1e-3)
    assert max(across[1][0], down[1][0]) < 0.1  # the sum of squares, in pixels
    assert places.min(axis=0)[0] > 272
    assert places.max(axis=0)[0] < 880


def legend_of(page):
    """The colour of each class, 0 to 255."""
    lines = page.evaluate(
        """[...document.querySelectorAll("#legend button")].map((line) => [
          line.children[1].textContent,
          getComputedStyle(line.children[0]).backgroundColor.match(/\\d+/g).map(Number),
        ])"""
    )
    return dict(lines)


def test_a_click_selects_the_point_under_it_and_plays_its_segment(opened, pages):
    page = opened()
    number = next(number for number in apart(page) if start_of(number) > 2)
    start = start_of(number)
    page.evaluate(
        """() => {
          window.heard = [];
          const audio = document.querySelector("audio");
          audio.addEventListener("pause", () => {
            for (let i = 0; i < audio.played.length; i++)
              heard.push([audio.played.start(i), audio.played.end(i)]);
          });
        }"""
    )
    page.click_point(number)
    assert page.state()["selected"] == number
    page.wait_for("heard.length")
    [[first, last]] = page.evaluate("heard")
    address = page.evaluate("document.querySelector('audio').currentSrc")
    assert address == (pages / "sounds" / file_of(number)).as_uri().replace("'", "%27")
    assert first == pytest.approx(start, abs=1e-3)  # currentTime would have gone on meanwhile
    assert last == pytest.approx(start + archives.SECONDS, abs=0.2)
    assert not page.state()["playing"]
    assert page.text("name").strip() == file_of(number).split("/")[-1]
    assert page.text("when") == f"{start:.2f} s – {start + 0.96:.2f} s"


def test_a_click_beside_all_points_deselects(opened):
    page = opened()
    page.click_point(apart(page)[0])
    page.mouse.click(600, 795)
    assert page.state()["selected"] == -1
    assert page.is_visible("#hint")


def test_neighbours_are_those_of_search(opened, pages, rows):
    page = opened()
    place = {(f"sounds/{file_of(n)}", start_of(n)): n for n in range(COUNT)}
    for number in range(COUNT):
        hits = search.nearest(pages / "rows.parquet", rows[number], top=12)
        expected = [(place[hit.path, hit.start], hit.cosine) for hit in hits]
        expected = [(other, cosine) for other, cosine in expected if other != number][:10]
        found = page.evaluate("(number) => vggishMap.neighbours(number)", number)
        assert [other for other, _ in found] == [other for other, _ in expected]
        np.testing.assert_allclose(
            [cosine for _, cosine in found], [cosine for _, cosine in expected], atol=1e-7
        )


def test_a_neighbour_of_the_list_is_gone_to(opened):
    page = opened()
    page.evaluate("vggishMap.select(3)")
    lines = page.locator("#near button")
    assert lines.count() == 10
    assert lines.nth(0).inner_text().split()[0] == "1.000"  # row 9 is the same
    lines.nth(0).click()
    assert page.state()["selected"] == 9


def test_the_name_and_the_time_are_said_under_the_pointer(opened):
    page = opened()
    number = apart(page)[7]
    page.mouse.move(*page.place(number))
    assert page.text("tip").startswith(f"{file_of(number)}, {start_of(number):.2f} s")
    page.mouse.move(600, 795)
    assert page.is_hidden("#tip")


def test_search_by_name_shows_what_it_finds(opened):
    page = opened()
    page.fill("#search", "BLUE")
    expected = [n for n in range(COUNT) if "blue" in file_of(n)]
    assert page.state()["shown"] == expected
    assert page.text("matches") == "8 segments in 1 file"
    page.wait_for_timeout(100)
    faint = next(n for n in apart(page) if n not in expected)
    column, row = np.round(page.place(faint)).astype(int)
    assert page.pixels()[row, column].min() > 190  # nearly white
    page.click_point(faint)
    assert page.state()["selected"] == -1
    page.press("#search", "Enter")
    assert page.state()["selected"] == expected[0]
    page.fill("#search", "no such name")
    assert page.state()["shown"] == []
    page.fill("#search", "")
    assert page.state()["shown"] == [*range(COUNT)]
    assert page.text("matches") == ""


def test_search_finds_letters_however_they_are_composed(opened):
    page = opened()
    page.fill("#search", "u\u0308音")  # a u and its dots
    assert page.text("matches") == "8 segments in 1 file"


def test_the_legend_hides_and_shows_classes(opened):
    page = opened()
    page.select_option("#colour", "file")
    assert page.locator("#legend button").count() == len(FILES)
    name = FILES[4].split("/")[-1]
    line = page.locator("#legend button", has_text=name)
    line.click()
    assert page.state()["shown"] == [n for n in range(COUNT) if n // ROWS != 4]
    assert line.get_attribute("aria-pressed") == "false"
    line.click(modifiers=["Shift"])
    assert page.state()["shown"] == [n for n in range(COUNT) if n // ROWS == 4]
    page.click("#toggle")
    assert page.state()["shown"] == [*range(COUNT)]
    page.select_option("#colour", "folder")
    counts = page.locator("#legend button").all_inner_texts()
    assert [text.split() for text in counts] == [["birds", "24"], ["sea", "16"]]


def test_the_labels_of_the_table_are_the_first_colours(opened):
    page = opened()
    assert page.input_value("#colour") == "label"
    lines = page.locator("#legend button").all_inner_texts()
    assert [" ".join(line.split()) for line in lines] == [
        "no label 16", "water 16", "</script><b>&amp; 8",
    ]  # fmt: skip


@pytest.mark.parametrize("by_button", [True, False])
def test_a_lasso_chooses_what_is_inside_and_saves_it(by_button, opened, pages):
    page = opened()
    places = np.array([page.place(number) for number in range(COUNT)])
    middle, size = np.median(places, axis=0), places.std(axis=0)
    star = [1.6, 0.5, 1.5, 0.6, 1.4, 0.5, 1.7, 0.6]
    angles = np.linspace(0, 2 * np.pi, len(star), endpoint=False)
    corners = middle + size * np.stack([star * np.cos(angles), star * np.sin(angles)], axis=1)
    draw_lasso(page, corners, by_button)
    expected = np.flatnonzero(Polygon(corners).contains_points(places)).tolist()
    assert 3 < len(expected) < COUNT - 3
    assert page.state()["chosen"] == expected
    with page.expect_download() as download:
        page.click("#save")
    table = download.value.path().read_bytes().decode("utf-8")
    lines = list(csv.reader(io.StringIO(table, newline="")))
    assert lines[0] == ["path", "start", "end"]
    assert [(path, float(start), float(end)) for path, start, end in lines[1:]] == [
        (f"sounds/{file_of(n)}", start_of(n), start_of(n) + archives.SECONDS) for n in expected
    ]
    page.click("#clear")
    assert page.state()["chosen"] is None
    assert page.is_hidden("#chosen")


def draw_lasso(page, corners, by_button):
    if by_button:
        page.click("#lasso")
    else:
        page.keyboard.down("Shift")
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()
    page.keyboard.up("Shift")


def test_a_lasso_leaves_out_what_is_hidden(opened):
    page = opened()
    page.fill("#search", "owl")
    box = page.locator("#stage").bounding_box()
    left, top = box["x"] + 5, box["y"] + 60
    right, low = box["x"] + box["width"] - 5, box["y"] + box["height"] - 5
    draw_lasso(page, [(left, top), (right, top), (right, low), (left, low)], False)
    assert page.state()["chosen"] == [n for n in range(COUNT) if "owl" in file_of(n)]


def test_the_keyboard_alone(opened):
    page = opened()
    page.focus("#stage")
    page.keyboard.press("ArrowRight")
    first = page.state()["selected"]
    assert first >= 0
    for key, axis, sign in (("ArrowRight", 0, 1), ("ArrowLeft", 0, -1), ("ArrowUp", 1, -1)):
        before = page.place(page.state()["selected"])
        page.keyboard.press(key)
        after = page.place(page.state()["selected"])
        assert sign * (after[axis] - before[axis]) > 0, key
    number = page.state()["selected"]
    page.keyboard.press("n")
    nearest = page.evaluate("(number) => vggishMap.neighbours(number)[0][0]", number)
    assert page.state()["selected"] == nearest
    page.keyboard.press("Escape")
    assert page.state()["selected"] == -1
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("owl")
    page.keyboard.press("Enter")
    assert "owl" in file_of(page.state()["selected"])
    page.keyboard.press("Escape")
    assert page.input_value("#search") == ""


def test_enter_plays_and_stops(opened):
    page = opened()
    page.evaluate("vggishMap.select(3)")
    page.wait_for("!vggishMap.state().playing")
    page.focus("#stage")
    page.keyboard.press("Enter")
    assert page.state()["playing"]
    assert page.text("play") == "Stop"
    page.keyboard.press("Enter")
    assert not page.state()["playing"]


def test_the_selected_segment_is_read_aloud(opened):
    """In a live region that is there before; and not again when only the colours change."""
    page = opened()
    region = page.locator("#details [aria-live=polite][aria-atomic=true]")
    assert region.evaluate("(it) => [it.innerText.trim(), it.closest('[hidden]')]") == ["", None]
    page.focus("#stage")
    page.keyboard.press("ArrowRight")
    name = file_of(page.state()["selected"]).split("/")[-1]
    assert name in region.inner_text()
    assert page.text("when") in region.inner_text()
    region.evaluate("""(it) => {
      window.changes = new MutationObserver(() => {});
      changes.observe(it, { childList: true, characterData: true, subtree: true });
    }""")
    page.click("#toggle")
    assert page.evaluate("changes.takeRecords().length") == 0


def test_shift_and_arrows_pan_and_signs_zoom(opened):
    page = opened()
    page.focus("#stage")
    before = np.array([page.place(number) for number in (0, 20)])
    page.keyboard.press("Shift+ArrowRight")
    after = np.array([page.place(number) for number in (0, 20)])
    np.testing.assert_allclose(after - before, [[-60, 0]] * 2, atol=0.01)
    page.keyboard.press("+")
    larger = np.array([page.place(number) for number in (0, 20)])
    np.testing.assert_allclose(larger[1] - larger[0], 1.5 * (after[1] - after[0]), rtol=1e-6)
    page.keyboard.press("0")
    again = np.array([page.place(number) for number in (0, 20)])
    np.testing.assert_allclose(again, before, atol=0.01)


def test_tab_reaches_every_control(opened):
    page = opened()
    page.evaluate("vggishMap.select(3)")
    page.focus("#stage")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"lasso", "nearer", "play", "at-once", "search", "colour", "toggle", "BUTTON"} <= reached


def test_the_wheel_zooms_about_the_pointer(opened):
    page = opened()
    number = apart(page)[3]
    place, others = page.place(number), page.place(number - 1)
    page.mouse.move(*place)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(100)
    np.testing.assert_allclose(page.place(number), place, atol=1)  # a pointer is at whole pixels
    moved = np.subtract(page.place(number - 1), place) / np.subtract(others, place)
    assert (moved > 1.2).all()


def test_a_drag_pans_and_selects_nothing(opened):
    page = opened()
    place = page.place(5)
    page.mouse.move(500, 400)
    page.mouse.down()
    page.mouse.move(540, 390, steps=4)
    page.mouse.up()
    np.testing.assert_allclose(page.place(5), np.add(place, [40, -10]), atol=0.01)
    assert page.state()["selected"] == -1


PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


def test_a_phone_has_all_of_it_without_scrolling_aside(opened):
    page = opened(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    number = apart(page)[0]
    page.touchscreen.tap(*page.place(number))
    assert page.state()["selected"] == number
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [button.bounding_box() for button in page.locator("#tools button").all()]
    assert min(box["height"] for box in boxes) >= 38
    assert max(box["x"] + box["width"] for box in boxes) <= 390


def test_two_fingers_zoom(opened):
    page = opened(**PHONE)
    session = page.context.new_cdp_session(page.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = np.subtract(page.place(0), page.place(20))
    touch("touchStart", (150, 300), (250, 300))
    for far in range(10, 51, 10):
        touch("touchMove", (150 - far, 300), (250 + far, 300))
    touch("touchEnd")
    np.testing.assert_allclose(np.subtract(page.place(0), page.place(20)), 2 * before, rtol=0.02)
    assert page.state()["selected"] == -1


def test_segments_without_times_have_no_sound(opened, pages):
    unknown = np.full(3, np.nan)
    clip = archives.clip(f"sounds/{FILES[0]}", archives.normal(3, 128))
    archives.written(pages / "timeless.parquet", [clip._replace(start=unknown, end=unknown)])
    map.write(pages / "timeless.parquet", pages / "timeless.html")
    page = opened("timeless.html")
    page.evaluate("vggishMap.select(0)")
    page.wait_for("document.querySelector('#sound').textContent !== ''")
    assert page.text("sound") == "No sound: the archive has no times."
    assert page.text("when") == "the archive has no times"
    assert page.text("near").split() != []
    assert "NaN" not in page.text("near")


def test_the_cursor_is_moved_once_a_frame(opened):
    """However many segments were played before: two callbacks, of the cursor and of the end."""
    page = opened()
    count = """async () => {
      const ask = requestAnimationFrame, audio = document.querySelector("audio");
      for (const number of [1, 2, 3]) vggishMap.select(number);
      await new Promise((done) => audio.addEventListener("playing", done, { once: true }));
      let count = 0;
      window.requestAnimationFrame = (run) => { count++; return ask(run); };
      for (let frame = 0; frame < 10; frame++) await new Promise((done) => ask(done));
      return [count, vggishMap.state().playing];
    }"""
    asked, playing = page.evaluate(count)
    assert playing
    assert 10 < asked < 25


def test_sounds_inside_the_page_play_without_a_file(opened, pages):
    page = opened("embedded/map.html")
    page.evaluate("vggishMap.select(10)")
    page.wait_for("document.querySelector('audio').currentTime > 2 * 0.96 + 0.3")
    assert page.evaluate("document.querySelector('audio').currentSrc").startswith("blob:")
    assert page.evaluate("document.querySelector('audio').error") is None
    page.wait_for("!vggishMap.state().playing")
    assert page.evaluate("document.querySelector('audio').currentTime") < 3 * 0.96 + 0.2
    assert [url for url in page.requests if url.endswith(".wav")] == []
    assert page.is_visible("#picture")


def test_the_log_mel_has_its_tone_where_it_is(opened):
    """Tones of 500 and 900 Hz: the brightest line is at the mel of each."""
    page = opened("embedded/map.html")
    rows = []
    for file in (1, 3):
        page.evaluate("(number) => vggishMap.select(number)", file * ROWS + 2)
        pixels = page.evaluate(
            """() => {
              const canvas = document.querySelector("#picture");
              const size = [canvas.width, canvas.height];
              return [size, [...canvas.getContext("2d").getImageData(0, 0, ...size).data]];
            }"""
        )
        (width, height), data = pixels
        assert (width, height) == (96, 64)
        picture = np.reshape(data, (height, width, 4)).sum(axis=2)
        mel = 1127 * np.log(1 + np.array([125, HERTZ[file], 7500]) / 700)
        expected = height - 1 - (mel[1] - mel[0]) / (mel[2] - mel[0]) * (height + 1) + 1
        rows.append((picture.sum(axis=1).argmax(), expected))
    assert [found for found, _ in rows] == pytest.approx([row for _, row in rows], abs=1.01)


def test_a_file_that_is_gone_is_said(opened, pages):
    page = opened()
    gone = pages / "sounds" / FILES[2]
    away = gone.rename(gone.with_suffix(".away"))
    try:
        page.evaluate("vggishMap.select(16)")
        page.wait_for("document.querySelector('#sound').textContent !== ''")
        assert "cannot play the file, or it is no longer there" in page.text("sound")
    finally:
        away.rename(gone)
        page.complaints.clear()  # the browser's own line about the file
    page.evaluate("vggishMap.select(17)")
    page.wait_for("document.querySelector('audio').currentTime > 0.96")
    assert page.text("sound") == ""
