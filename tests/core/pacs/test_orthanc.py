"""The archive for real: Orthanc, in a network namespace of its own, since it binds every interface."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(__file__).with_name("beside_orthanc.py")


@pytest.mark.slow
def test_in_a_namespace() -> None:
    missing = [
        name
        for name in ("Orthanc", "unshare", "ip")
        if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None
    ]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian's orthanc, orthanc-dicomweb, util-linux, iproute2)")
    alone = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine allows no network namespaces")
    command = f"ip link set lo up && exec {sys.executable} -m pytest -n 0 -q -p no:cacheprovider {BESIDE}"
    done = subprocess.run([*alone, "sh", "-c", command], env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "passed" in done.stdout and "failed" not in done.stdout
