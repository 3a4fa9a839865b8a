"""`python -m vggish_tf` is `vggish-tf`."""

import sys

from vggish_tf.cli import main

if __name__ == "__main__":
    sys.exit(main())
