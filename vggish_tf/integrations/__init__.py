"""Interfaces of other projects, one module each, imported only on request.

    beam    embed_archive() as an Apache Beam pipeline, on many machines
    hear    the interface of the HEAR benchmark
    mteb    the interface of MTEB, and of MAEB, its audio part

The work itself is done in `jobs` and by Embedder.
"""
