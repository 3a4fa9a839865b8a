"""`vggish-tf fetch`: the published files → the cache."""

import argparse

HELP = "download the published weights and PCA parameters into the cache"
EPILOG = "VGGISH_TF_CACHE chooses the folder; VGGISH_TF_OFFLINE=1 forbids the network."


def add_arguments(parser: argparse.ArgumentParser):
    pass


def run(args: argparse.Namespace):
    from vggish_tf.weights import registry

    for name in registry.REGISTRY:
        path = registry.fetch(name)
        print(f"{path}\n  MD5      {registry.md5_of(path)}\n  SHA-256  {registry.sha256_of(path)}")
