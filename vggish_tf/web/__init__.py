"""Web pages: the HTML, CSS and ES modules that jobs copy or fill in, a folder a page.

shared    colours and drawing that several pages use
site      the page of `vggish-tf export --format web`: the front end in JavaScript, the network in a
          worker
map       the page of `vggish-tf map`

Every page works from a folder, without a build step and without a request to another machine.
Nothing is computed in Python here.
"""

from importlib import resources

FOLDER = resources.files("vggish_tf") / "web"
