#!/bin/sh
# The Debian and Ubuntu packages that Fineray needs besides Python packages: venv, and the libraries that Qt loads.
set -eu

packages="python3-venv libegl1 libgl1 libopengl0 libglib2.0-0 libdbus-1-3 libfontconfig1 fonts-dejavu-core
libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0
libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1"

missing=""
for package in $packages; do
    # Ubuntu 24.04 names some libraries anew (libglib2.0-0t64) and keeps the old name as something provided.
    dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null | grep -q "ok installed" ||
        missing="$missing $package"
done
[ -z "$missing" ] && exit 0

run=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "These packages are missing; ask whoever administers this computer to install them:$missing" >&2
        exit 1
    fi
    run="sudo"
fi
$run apt-get update
# shellcheck disable=SC2086  # a list of names
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
