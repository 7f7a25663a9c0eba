"""`python -m hotline` is `hotline`."""

import sys

if not sys.flags.safe_path:
    # The working folder, where a service may write: a folder `schemas` there would be imported in the place of ours.
    del sys.path[0]

from hotline.cli import main

if __name__ == "__main__":
    main()
