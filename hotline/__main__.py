"""`python -m hotline` is `hotline`."""

import sys

if not sys.flags.safe_path:
    # The working folder is writable for a service: its folder `schemas` would replace the installed package.
    del sys.path[0]

from hotline.cli import main

if __name__ == "__main__":
    main()
