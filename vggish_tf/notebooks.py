"""Tables in HTML that notebooks show in the place of an object's repr. No other HTML is made here.

No colours: the notebook's theme, light or dark, gives them.
"""

import html
from collections.abc import Mapping

LEFT = 'style="text-align: left"'


def table(name: str, facts: Mapping[str, object], warning: str = "") -> str:
    """A name above a table of two columns; a warning comes first, in large letters.

    Example:
        >>> table("Rows", {"file": "<a>.wav"})
        '<b>Rows</b><table><tr><th style="text-align: left">file</th><td ...>&lt;a&gt;.wav</td>...'
    """
    rows = "".join(
        f"<tr><th {LEFT}>{_text(fact)}</th><td {LEFT}>{_text(value)}</td></tr>"
        for fact, value in facts.items()
    )
    said = f"<h2><strong>{_text(warning)}</strong></h2>" if warning else ""
    return f"{said}<b>{_text(name)}</b><table>{rows}</table>"


def _text(value: object) -> str:
    return html.escape(str(value))
