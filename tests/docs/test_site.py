"""The site that MkDocs builds of docs/: no warning, no dead link, nothing from another host."""

import contextlib
import functools
import inspect
import re
import subprocess
import sys
import threading
import zlib
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import places
import pytest

import vggish_tf
from vggish_tf import checkpoints, drawing, jobs
from vggish_tf.jobs import classify, embed, fad, finetune, search

pytestmark = pytest.mark.thorough

ROOMS = {  # whose public names are all in the reference
    "vggish_tf": [*vggish_tf._HOME],
    "vggish_tf.checkpoints": checkpoints.__all__,
    "vggish_tf.drawing": drawing.__all__,
    "vggish_tf.formats": ["read", "write"],
    "vggish_tf.jobs": jobs.__all__,
    "vggish_tf.jobs.classify": classify.__all__,
    "vggish_tf.jobs.embed": embed.__all__,
    "vggish_tf.jobs.export": ["export"],
    "vggish_tf.jobs.fad": fad.__all__,
    "vggish_tf.jobs.finetune": finetune.__all__,
    "vggish_tf.jobs.inspect": ["inspect"],
    "vggish_tf.jobs.map": ["write"],
    "vggish_tf.jobs.search": search.__all__,
    "vggish_tf.stages": ["compute", "compute_file", "describe"],
    **{
        f"vggish_tf.formats.{format}": ["read", "write"]
        for format in ("csv", "memmap", "npz", "parquet", "records", "tfrecord", "tree")
    },
    "vggish_tf.reference.mel_features": [
        *("frame", "periodic_hann", "stft_magnitude", "hertz_to_mel"),
        *("spectrogram_to_mel_matrix", "log_mel_spectrogram"),
    ],
    "vggish_tf.reference.vggish_input": ["waveform_to_examples", "wavfile_to_examples"],
    "vggish_tf.reference.vggish_params": ["SAMPLE_RATE", "LEARNING_RATE"],
    "vggish_tf.reference.vggish_postprocess": ["Postprocessor"],
    "vggish_tf.reference.vggish_slim": ["define_vggish_slim", "load_vggish_slim_checkpoint"],
}


class Page(HTMLParser):
    """Addresses and anchors of a page: what it loads, what it links to."""

    def __init__(self, text: str):
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors.add(attributes.get("id") or "")
        for name in ("src", "srcset", "data", "poster", "href"):
            if attributes.get(name):
                links = tag == "a" or attributes.get("rel") in ("prev", "next", "canonical")
                (self.linked if links else self.loaded).append(attributes[name])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for module in ("mkdocs", "material", "mkdocstrings_handlers.python"):
        pytest.importorskip(module, reason="MkDocs is absent: the extra `docs`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    done = subprocess.run(command, cwd=places.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def broken(address: str, page: Path, pages: dict[Path, Page]) -> bool:
    """Whether an address of a page leads to no file or anchor of the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return False
    root = min(pages, key=lambda path: len(path.parts)).parent
    start = root if parts.path.startswith("/") else page.parent
    target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
    target = target / "index.html" if target.is_dir() else target
    anchors = pages[target].anchors if target in pages else {""}
    return not target.is_file() or unquote(parts.fragment) not in {"", "__comments", *anchors}


def elsewhere(address: str) -> bool:
    """Whether an address is of another host."""
    return bool(urlsplit(address).netloc)


def test_links_and_pictures_lead_somewhere(pages):
    assert len(pages) > 25
    assert {
        (page.name, address)
        for page, read in pages.items()
        for address in (*read.loaded, *read.linked)
        if broken(address, page, pages)
    } == set()


def test_no_page_loads_anything_from_another_host(site, pages):
    loaded = {address for page in pages.values() for address in page.loaded}
    assert len(loaded) > 10
    assert {address for address in loaded if elsewhere(address)} == set()
    for style in site.rglob("*.css"):
        text = style.read_text("utf-8")
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", text) == []


@pytest.mark.parametrize(
    ("text", "loads", "is_broken"),
    [
        ('<img src="https://example.com/a.png">', True, False),
        ('<script src="//example.com/a.js"></script>', True, False),
        ('<a href="https://example.com/">', False, False),
        ('<a href="gone.html">', False, True),
        ('<a href="index.html#gone">', False, True),
        ('<h1 id="here"></h1><a href="index.html#here">', False, False),
        ('<img src="gone.png">', False, True),
    ],
)
def test_the_two_tests_above_can_fail(text, loads, is_broken, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(text)
    page = Page(text)
    assert any(map(elsewhere, page.loaded)) == loads
    addresses = (*page.loaded, *page.linked)
    assert any(broken(address, path, {path: page}) for address in addresses) == is_broken


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving(folder: Path):
    """The address of a server of a folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_chromium_asks_no_other_host(site):
    with serving(site) as address, browser.chromium() as chromium:
        page, asked = chromium.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index.html", "api/embedding.html"):
            page.goto(f"{address}/{name}")
            page.locator("input.md-search__input").first.fill("embed")
            page.locator(".md-search-result__item").first.wait_for(state="attached")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_every_public_name_is_in_the_reference(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    listed = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    names = {f"{room}.{name}" for room, names in ROOMS.items() for name in names}
    assert len(names) > 100
    assert names - listed == set()


def test_docstrings_are_sections(pages):
    """Sessions are code, not quotations, and no section is left as a box of its own."""
    api = {path: path.read_text("utf-8") for path in pages if path.parent.name == "api"}
    assert len(api) > 10
    for name, text in api.items():
        assert not re.search(r"<blockquote|class=\"(?:admonition|example)", text), name
    layers = next(text for path, text in api.items() if path.name == "layers.html")
    assert layers.count("<strong>Input shape</strong>") == layers.count("Input shape") > 4


def without_annotations(function) -> str:
    """The signature of a function as the reference prints it."""
    signature, empty = inspect.signature(function), inspect.Parameter.empty
    bare = [parameter.replace(annotation=empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=empty))


@pytest.mark.parametrize("name", drawing.__all__)
def test_a_picture_has_the_signature_that_it_has(name, site):
    text = re.sub(r"<[^>]+>|\s+", "", (site / "api" / "drawing.html").read_text("utf-8"))
    printed = re.sub(r"\s+", "", f"{name}{without_annotations(getattr(drawing, name))}")
    assert printed in text.replace(",)", ")")
