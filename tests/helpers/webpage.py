"""A recording to inspect, and what a browser would find on the page of it."""

import base64
import io
from html.parser import HTMLParser

import numpy as np
import soundfile
from PIL import Image

RATE = 48_000


class Page(HTMLParser):
    """A page as a browser finds it: text, headings, the addresses of everything it would load."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], ""
        self.media, self.captions = [], []  # of each source; of each img
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")
        ]
        self.media += [value for name, value in attrs if name == "media"]
        self.captions += [value for name, value in attrs if name == "alt"]

    def handle_data(self, data):
        if self.tags and self.tags[-1] != "style":
            self.text += " " + data

    def pictures(self):
        return [Image.open(io.BytesIO(picture)) for picture in self.inside("image/png")]

    def inside(self, media_type):
        prefix = f"data:{media_type};base64,"
        found = [address for address in self.addresses if address.startswith(prefix)]
        return [base64.b64decode(address.removeprefix(prefix), validate=True) for address in found]


def write_tones(folder):
    """3 s of stereo: 1 kHz, and 10 kHz at half its amplitude, which is a fifth of the energy."""
    seconds = np.arange(3 * RATE) / RATE
    sound = 0.4 * np.sin(2 * np.pi * 1000 * seconds) + 0.2 * np.sin(2 * np.pi * 10_000 * seconds)
    path = folder / 'bats & <b>birds "x".wav'
    soundfile.write(path, np.stack([sound, sound], axis=1), RATE, subtype="FLOAT")
    return path
