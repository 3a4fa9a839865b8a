"""Web pages: the HTML, CSS and ES modules that jobs copy or fill in, a folder for each page.

shared    colours, and saving of files, for several pages
site      the page of `vggish-tf export --format web`: the front end in JavaScript, the network in a
          worker
map       the page of `vggish-tf map`

The pages need no build step, and make no request to another machine. Nothing is computed in Python
here.
"""

from importlib import resources

FOLDER = resources.files("vggish_tf") / "web"
