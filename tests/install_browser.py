"""Install a headless Chromium with the system's package manager if none is there and if that is possible.

The book's browser tests need one. Where none can be had they are skipped and say so; in CI they must run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The path of an installed Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    if find():
        return 0
    if not shutil.which("apt-get") or os.geteuid() != 0:
        print("no Chromium, and no way to install one here: the browser tests will be skipped")
        return int(os.environ.get("CI") == "true")
    print("installing Chromium for the browser tests", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
    subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, **quiet
    )
    if find():
        return 0
    print("Chromium could not be installed: the browser tests will be skipped")
    return int(os.environ.get("CI") == "true")


if __name__ == "__main__":
    sys.exit(main())
