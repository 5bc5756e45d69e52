"""Where the installed programs begin."""

import multiprocessing

from desktop.app import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # before anything else: a worker process starts here too
    raise SystemExit(main())
