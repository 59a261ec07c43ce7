"""What the Keras layers of this package have in common."""

import hashlib
from collections.abc import Callable
from typing import Any

import keras
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

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

    def call(self, inputs: Any) -> Any:
        if self.packed is None:
            raise RuntimeError(f"{self.name} has no weights yet: set or load them")
        return self.packed(inputs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("trainable", None)
        return config


def call_on_change(variables: dict[str, Any], function: Callable[[], None]) -> None:
    """Calls the function once all of these variables have been assigned to, and whenever one gets another value from then
    on: `set_weights` of a model and the formats of files assign one variable after another, and JAX's `predict` assigns
    what is there already."""
    known: dict[str, bytes] = {}

    def follow(name: str, variable: Any) -> None:
        assign = variable.assign

        def assigned(value: Any) -> Any:
            result = assign(value)
            if _has_values():
                array = keras.ops.convert_to_numpy(variable)
                digest = hashlib.sha256(array.tobytes()).digest()
                changed = known.get(name) != digest
                known[name] = digest
                if changed and len(known) == len(variables):
                    function()
            return result

        variable.assign = assigned

    for name, variable in variables.items():
        follow(name, variable)


def _has_values() -> bool:
    """Whether variables have values now, and not only symbols."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        return tensorflow.executing_eagerly()
    return not (in_stateless_scope() or in_symbolic_scope())
