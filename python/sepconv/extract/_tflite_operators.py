"""Operators of TensorFlow Lite: their names and what those compute that take values one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sepconv_layers.activations import TABLE

from ._graph import Activation

_IN_ORDER = (
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR"
    " FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION"
    " LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH"
    " CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER"
    " BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE"
    " BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM"
    " ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE"
    " TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK"
    " LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD"
    " RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N"
    " GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE"
)  # fmt: skip
NAMES = dict(enumerate(_IN_ORDER.split())) | {126: "BATCH_MATMUL", 130: "BROADCAST_TO", 150: "GELU", 152: "RELU_0_TO_1"}
"""By their codes."""

ACTIVATIONS = {entry.tflite[0]: word for word, entry in TABLE.items() if entry.tflite}
FUSED: dict[int, Activation] = {
    entry.tflite_fused: word for word, entry in TABLE.items() if entry.tflite_fused is not None
}
FUSED[2] = {"clamp": [-1.0, 1.0]}


def formula_of(activation: Activation) -> Callable[[Any], Any]:
    if isinstance(activation, str):
        return lambda x: TABLE[activation].numpy(np, x)
    return lambda x: TABLE["clamp"].numpy(np, x, *activation["clamp"])


FORMULAS: dict[str, Callable[..., Any]] = {name: formula_of(word) for name, word in ACTIVATIONS.items()} | {
    "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "DIV": np.divide, "POW": np.power, "NEG": np.negative,
    "MAXIMUM": np.maximum, "MINIMUM": np.minimum, "EXP": np.exp, "ABS": np.abs, "SQUARE": np.square, "SQRT": np.sqrt,
    "RSQRT": lambda x: 1 / np.sqrt(x), "RELU_N1_TO_1": lambda x: np.clip(x, -1, 1),
    "RELU_0_TO_1": lambda x: np.clip(x, 0, 1),
}  # fmt: skip
"""Of operators that compute each value from those at the same place."""
