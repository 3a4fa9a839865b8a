"""Tables of labelled clips, and how they are refused."""

import csv

import pytest

from vggish_tf.errors import VGGishError
from vggish_tf.jobs import finetune


def write_csv(path, rows, columns=("path", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def refusal(*args, **kwargs) -> str:
    with pytest.raises(VGGishError) as error:
        finetune.dataset(*args, **kwargs)
    return str(error.value)
