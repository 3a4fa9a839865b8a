"""Interfaces of other projects, one module each, imported only on request.

    beam    embed_archive() as an Apache Beam pipeline, on many machines

The work itself is not done here, but in `jobs`.
"""
