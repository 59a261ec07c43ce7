"""Keras on sepconv: `enable()` for its operations, `optimize(model)` for whole models; on every backend of Keras 3.

import keras, sepconv.keras

with sepconv.keras.enable():           # keras.ops.separable_conv, depthwise_conv, and the layers on top of them
    y = model.predict(x)

fast = sepconv.keras.optimize(model)   # fused, batch normalisation folded, weights packed once
print(sepconv.keras.report(fast))
"""

from ._enable import disable, enable, is_enabled
from ._fused import FusedSeparableConv
from ._fused_chain import FusedChain
from ._optimize import optimize
from ._report import Left, Replacement, Report, report

__all__ = [
    "FusedChain",
    "FusedSeparableConv",
    "Left",
    "Replacement",
    "Report",
    "disable",
    "enable",
    "is_enabled",
    "optimize",
    "report",
]
