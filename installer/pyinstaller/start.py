"""Where the installed programs begin."""

import multiprocessing
import sys

from fineray_desktop.app import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # before anything else: a worker process starts here too
    if sys.argv[1:2] == ["--self-check"]:
        import self_check

        raise SystemExit(self_check.main(sys.argv[2:]))
    raise SystemExit(main())
