"""Writes PATH.tflite for each PATH.json, a layer's fields: convert_tflite.py PATH...; PATH.tflite.error says why there is none."""

import json
import pathlib
import sys

import keras
import tensorflow as tf
from layers import Layer, function
from tensors import Tensors


def activation(layer, place):
    kind = layer.activation(place)
    return None if kind == "none" else function(kind, tf)


def layers_of(layer):
    """The Keras layers, and those of them with the depthwise and the pointwise weights."""
    fields = layer.fields
    if layer.rank > 2:
        raise ValueError("TensorFlow Lite has no depthwise convolution over 3 axes")
    depthwise = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
    pointwise = (keras.layers.Conv1D, keras.layers.Conv2D)
    zeros = (keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D)
    padding = fields["padding"]
    made = [keras.Input((*layer.spatial, fields["cin"]), batch_size=fields["n"])]
    if before := activation(layer, "input"):
        made.append(keras.layers.Activation(before))
    if padding not in ("valid", "same"):
        pads = [tuple(pair) for pair in layer.pads]
        made.append(zeros[layer.rank - 1](pads[0] if layer.rank == 1 else pads))
        padding = "valid"
    first = depthwise[layer.rank - 1](
        layer.kernel,
        strides=layer.strides,
        dilation_rate=layer.dilation,
        padding=padding,
        depth_multiplier=fields["mult"],
        use_bias=fields["mid_bias"],
        activation=activation(layer, "mid"),
    )
    second = pointwise[layer.rank - 1](
        fields["cout"],
        1,
        use_bias=fields["out_bias"],
        activation=activation(layer, "out"),
    )
    return [*made, first, second], first, second


def convert(layer):
    made, first, second = layers_of(layer)
    model = keras.Sequential(made)
    t = Tensors(layer)
    first.set_weights([w for w in (t.depthwise, t.mid_bias) if w is not None])
    second.set_weights([w for w in (t.pointwise, t.out_bias) if w is not None])
    return tf.lite.TFLiteConverter.from_keras_model(model).convert()


def main(paths):
    for path in map(pathlib.Path, paths):
        try:
            layer = Layer(json.loads(path.with_suffix(".json").read_text()))
            path.with_suffix(".tflite").write_bytes(convert(layer))
        except Exception as error:  # noqa: BLE001 (whatever TensorFlow dislikes)
            path.with_suffix(".tflite.error").write_text(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
