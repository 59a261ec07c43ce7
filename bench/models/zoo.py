"""The models of docs/models.md. A name gives a model with random weights and statistics; nothing is fetched."""

import numpy as np

APPLICATIONS = [
    "MobileNet", "MobileNetV2", "MobileNetV3Small", "MobileNetV3Large", "Xception", "EfficientNetB0", "EfficientNetV2B0",
    "NASNetMobile", "ConvNeXtTiny",
]  # fmt: skip
OWN = ["UNet", "Audio1D", "MobileNet_mixed_bfloat16"]
BACKENDS = ["tensorflow", "torch", "jax"]
KERAS = [*APPLICATIONS, *OWN]
TORCHVISION = [
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "mnasnet1_0", "shufflenet_v2_x1_0",
    "convnext_tiny",
]  # fmt: skip


def keras_model(name):
    import keras

    if name in OWN:
        model = {"UNet": _unet, "Audio1D": _audio, "MobileNet_mixed_bfloat16": _mixed}[
            name
        ]()
    else:
        size = 299 if name == "Xception" else 224
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(size, size, 3)
        )
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if len(weight.shape) == 1:  # the exporters leave out what is 0
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def _unet():
    """Separable convolutions on the way down, and up again, with the tensors of one side handed to the other."""
    from keras import Input, Model, layers

    def pair(x, channels):
        for _ in range(2):
            x = layers.SeparableConv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        return x

    inputs = Input((128, 128, 3))
    x, kept = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs), []
    for channels in (32, 64, 128):
        x = pair(x, channels)
        kept.append(x)
        x = layers.MaxPooling2D()(x)
    x = pair(x, 256)
    for channels in (128, 64, 32):
        x = layers.Concatenate()([layers.UpSampling2D()(x), kept.pop()])
        x = pair(x, channels)
    return Model(inputs, layers.Conv2D(4, 1)(x))


def _audio():
    """Dilated one-dimensional layers over 1000 frames, every other one causal."""
    from keras import Input, Model, layers

    inputs = x = Input((1000, 64))
    for i in range(6):
        y = layers.ZeroPadding1D((8 * 2**i, 0))(x) if i % 2 else x
        y = layers.DepthwiseConv1D(
            9, padding="valid" if i % 2 else "same", dilation_rate=2**i, use_bias=False
        )(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        x = layers.Add()([x, layers.Conv1D(64, 1)(y)])
    return Model(inputs, layers.Dense(12)(layers.GlobalAveragePooling1D()(x)))


def _mixed():
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return keras.applications.MobileNet(weights=None)
    finally:
        keras.config.set_dtype_policy(before)


def torch_model(name):
    import torch
    import torchvision

    model = getattr(torchvision.models, name)(weights=None).eval()
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return model


def depthwise_of_keras(model):
    """How many depthwise convolutions its layers are, counted without sepconv."""
    from keras import layers

    own = (
        layers.DepthwiseConv1D,
        layers.DepthwiseConv2D,
        layers.SeparableConv1D,
        layers.SeparableConv2D,
    )
    count = 0
    for layer in model._flatten_layers():
        grouped = isinstance(layer, (layers.Conv1D, layers.Conv2D)) and layer.groups > 1
        count += isinstance(layer, own) or (grouped and layer.kernel.shape[-2] == 1)
    return count


def depthwise_of_torch(model):
    import torch

    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    return sum(m.groups == m.in_channels > 1 for m in convolutions)
