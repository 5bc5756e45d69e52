"""Let torchvision load where its compiled operators cannot; used only there (left_out.py).

Its wheels of the package index are built for CUDA; beside a CPU build of torch the operators do not load, and
torchvision then stumbles over two of them, which only detection networks use. Naming these lets the networks for
classification, which are plain torch, load. Nothing of torch is imported until torchvision is.
"""

import sys
from importlib.abc import MetaPathFinder


class _BeforeTorchvision(MetaPathFinder):
    def find_spec(self, name, _path=None, _target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            _name_operators()
        return


def _name_operators():
    import torch

    global _kept  # the definition lives as long as this object
    _kept = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        _kept.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, _BeforeTorchvision())
