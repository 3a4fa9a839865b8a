"""inspect(): a recording taken apart stage by stage, in words and as one HTML page.

report     what is said at the terminal, and the order of the work
spectrum   energy over frequency: what resampling removes
captions   every picture in words
page       the HTML page
"""

from vggish_tf.jobs.inspect.report import inspect

__all__ = ["inspect"]
