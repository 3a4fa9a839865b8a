"""HTML tables that notebooks show instead of an object's repr. No other HTML is made here.

The tables set no colours: those of the notebook's theme, light or dark, apply.
"""

import html
from collections.abc import Mapping

LEFT = 'style="text-align: left"'


def table(name: str, facts: Mapping[str, object], warning: str = "") -> str:
    """A table of two columns under a name; a warning stands above both, in large letters.

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
