"""The parts of scripts/faults.py.

mutations   files of every format, and damage of every kind
watched     a process that embeds files, and what it takes for each
kills       runs of `vggish-tf embed` that are killed and started again
"""
