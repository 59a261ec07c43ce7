"""The Keras layer that runs fused layers in a row."""

from collections.abc import Sequence
from typing import Any

import keras

import sepconv

from ._fused import FusedSeparableConv
from ._packed import PackedLayer


@keras.saving.register_keras_serializable("sepconv")
class FusedChain(PackedLayer):
    """Fused layers that read nothing but one another, in one call: a `sepconv.Chain`.

    `optimize` makes these. The weights are those of its parts, as in `FusedSeparableConv`.

    Args:
        parts: the layers, in their order.
    """

    def __init__(self, parts: Sequence[FusedSeparableConv], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.parts = list(parts)
        for part in self.parts:
            part.after_pack = self._chain_anew
        self._chain_anew()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for part in self.parts:
            if not part.built:
                part.build(input_shape)
            input_shape = part.compute_output_shape(input_shape)
        self.built = True

    def pack(self) -> None:
        """Packs the variables' present values."""
        for part in self.parts:
            part.pack()

    def _chain_anew(self) -> None:
        if all(part.packed is not None for part in self.parts):
            self.packed = sepconv.Chain([part.packed for part in self.parts])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        for part in self.parts:
            input_shape = part.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"parts": [keras.saving.serialize_keras_object(part) for part in self.parts]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FusedChain":
        parts = [keras.saving.deserialize_keras_object(part) for part in config["parts"]]
        return super().from_config(config | {"parts": parts})
