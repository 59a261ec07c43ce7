"""What the Keras layers of this package have in common."""

from typing import Any

import keras

import sepconv


class PackedLayer(keras.layers.Layer):
    """For inference: it runs what `pack()` made of its variables, which are not trained."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.packed: sepconv.Layer | sepconv.Chain | None = None
        if keras.backend.backend() == "tensorflow":
            self.supports_jit = False  # XLA cannot call the operation

    def pack(self) -> None:
        """Packs the variables' present values."""
        raise NotImplementedError

    def set_weights(self, weights: list[Any]) -> None:
        super().set_weights(weights)
        self.pack()

    def call(self, inputs: Any) -> Any:
        if self.packed is None:
            raise RuntimeError(f"{self.name} has no weights yet: set or load them, then call pack()")
        return self.packed(inputs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("trainable", None)
        return config
