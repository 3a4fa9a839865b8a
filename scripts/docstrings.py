"""Griffe extension of mkdocs.yml: this package's docstrings as mkdocstrings takes them.

`Example:` is a section of sessions, a line such as `Input shape:` is a paragraph with a bold name,
and the list of files of a module's docstring, which is for its authors, is left out.
"""

import re

import griffe

NAMED_LINES = re.compile(r"^(Input shape|Output shape|Source): +", re.MULTILINE)
FILE_LIST = re.compile(r"^ *[\w, /]+\S {2,}\S")


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is parsed, and gives panels the signature they have."""

    def on_object(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring:
            obj.docstring.value = rewritten(obj.docstring.value, obj.is_module)

    def on_package(self, *, pkg: griffe.Module, **_) -> None:
        """A panel takes the arguments of its decorator's function, which griffe does not run."""
        call = pkg["drawing.clip.Panel.__call__"]
        for function in pkg["drawing.panels"].functions.values():
            if any(decorator.callable_path.endswith(".panel") for decorator in function.decorators):
                function.parameters = griffe.Parameters(*[*call.parameters][1:])
                function.returns = call.returns


def rewritten(text: str, of_a_module: bool = False) -> str:
    """A docstring in the sections that griffe knows.

    Example:
        >>> rewritten("Adds.\\n\\nInput shape:  (n,)\\nOutput shape: (n,)")
        'Adds.\\n\\n\\n**Input shape**: (n,)\\n\\n**Output shape**: (n,)'
    """
    if of_a_module:
        text = "\n\n".join(part for part in text.split("\n\n") if not FILE_LIST.match(part))
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    return NAMED_LINES.sub(r"\n**\1**: ", text)
