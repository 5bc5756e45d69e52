#!/bin/sh
# Installs Fineray from this folder, without a network. Needs the Python that the wheels are for, with venv.
#   sh install.sh [PLACE]      PLACE: ~/fineray unless given
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=${1:-"$HOME/fineray"}
python3 -m venv "$place"
"$place/bin/python" -m pip install --no-index --find-links "$here/wheels" --require-hashes \
    --requirement "$here/requirements.txt"
"$place/bin/python" -m pip install --no-index --no-deps "$here"/wheels/fineray-*.whl
echo "Installed. Start it with: $place/bin/fineray"
