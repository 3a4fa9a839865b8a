"""Sounds beside embeddings that are there: embedded with the same weights and settings."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from vggish_tf.cli import options
from vggish_tf.errors import AudioError, UsageError
from vggish_tf.files import check_source

if TYPE_CHECKING:
    from vggish_tf.embedding import Embedder
    from vggish_tf.jobs.embed import Failure
    from vggish_tf.jobs.fad.sources import Set
    from vggish_tf.profiles import Profile


def read(args: argparse.Namespace) -> "tuple[list[Set], list[Failure]]":
    """The sets of `vggish-tf fad`, and the clips of them that could not be embedded."""
    from vggish_tf.jobs import fad

    names = [args.reference, *args.candidates]
    sets = {name: fad.read(name) for name in names if fad.is_set(name)}
    sounds = [name for name in dict.fromkeys(names) if name not in sets]
    for name in sounds:  # before the weights are loaded
        check_source(name.removeprefix("@"), "Give sounds or embeddings.")
    provenance = next((each.provenance for each in sets.values() if each.provenance), {})
    failures = list["Failure"]()
    if sounds:
        embedder = _embedder(provenance, args)
        for name in sounds:
            sets[name], failed = _embedded(name, embedder, args)
            failures += failed
    return [sets[name] for name in names], failures


def embedder_like(provenance: dict, weights: str | None) -> "Embedder":
    """An Embedder with the settings of an archive; its weights too, if none are given."""
    options.prepare(weights)
    from vggish_tf.jobs import search

    return search.embedder_for(provenance, weights)


def _embedder(provenance: dict, args: argparse.Namespace) -> "Embedder":
    from vggish_tf.weights.identity import recorded_untrained

    profile = options.profile_of(args)
    _check(profile, provenance, args)
    if provenance and args.untrained in (False, recorded_untrained(provenance)):
        return embedder_like(provenance, args.weights)
    weights = None if args.untrained else args.weights or "audioset"
    options.prepare(weights)
    from vggish_tf.embedding import Embedder

    return Embedder(weights, profile=profile)


def _check(profile: "Profile", provenance: dict, args: argparse.Namespace):
    from vggish_tf.profiles import recorded

    if profile.postprocess == "quantized":
        raise UsageError(
            f"distances need numbers, and rows of profile {profile.name!r} are bytes. "
            "Choose another profile."
        )
    made = recorded(provenance)
    if args.profile and provenance and made != profile.as_json():
        raise UsageError(
            f"--profile {profile.name} contradicts the embeddings, which are of {made['name']}. "
            "Leave it out."
        )


def _embedded(name: str, embedder: "Embedder", args: argparse.Namespace):
    """A set of sounds; what is said meanwhile goes to standard error, beside the table."""
    from vggish_tf.jobs import fad
    from vggish_tf.jobs.embed import embed_beside, progress

    with contextlib.redirect_stdout(sys.stderr):
        rows, failures = embed_beside(name, embedder, cache=args.cache, progress=progress.Bar())
    if not fad.is_set(rows):
        why = failures[0].message if failures else "each is too short for a row of this profile"
        raise AudioError(f"{name}: no clip could be embedded: {why}")
    return fad.read(rows, name), failures
