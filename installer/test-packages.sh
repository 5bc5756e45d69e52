#!/bin/sh
# The Debian packages that tests use beside the program's own: an archive (Orthanc) in a network namespace, the DICOM
# validator dciodvfy, a clock that jumps, a record of every write, and tools that build and look into installers. Tests say so and skip where they are missing.
set -eu

run=""
[ "$(id -u)" -eq 0 ] || run="sudo"
$run apt-get update
# The package starts a server by itself unless it is told not to; tests start their own, on a network of their own.
[ -e /usr/sbin/policy-rc.d ] || printf '#!/bin/sh\nexit 101\n' | $run tee /usr/sbin/policy-rc.d >/dev/null
$run chmod +x /usr/sbin/policy-rc.d
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    orthanc orthanc-dicomweb dicom3tools faketime strace iproute2 util-linux
