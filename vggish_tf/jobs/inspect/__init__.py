"""inspect(): a description of every stage of a recording, as text and as one HTML page.

report     the text in the terminal, and the order of the work
spectrum   energy over frequency, and the part that resampling removes
captions   alt texts of the pictures
page       the HTML page
"""

from vggish_tf.jobs.inspect.report import Report, examine, inspect

__all__ = ["Report", "examine", "inspect"]
