"""What a search tries: the row of a layer, the parameters that are varied together, and cheap rules that keep hopeless candidates
from being compiled."""

import math

# Parameters that are varied together. strip_pixels is the planner's, not the compiler's, and costs no compilation.
CHANNELS_LAST = [
    ("vector", "tile_pixels", "tile_vectors"),
    ("stage", "chunk", "depthwise_vector", "depthwise_tile", "tap_rows"),
    ("sum_block", "sum_unroll", "panel_inner"),
    ("fetch_ahead", "strip_pixels"),
    ("tap_unroll",),
]
CHANNELS_FIRST = [
    ("panel_lanes", "vector", "tile_pixels", "tile_channels", "tile_vectors"),
    ("depthwise_vector", "depthwise_tile", "depthwise_rows"),
    ("sum_block", "sum_unroll"),
    ("strip_pixels",),
]
CLAMPS = (None, "none", "relu", "relu6")


def axes(values):
    return str(values[0]) if len(set(values)) == 1 else "x".join(map(str, values))


def channels_first(layer):
    return layer.get("data_format") == "channels_first"


def groups_of(layer):
    return CHANNELS_FIRST if channels_first(layer) else CHANNELS_LAST


def variant_of(layer):
    """The fully fixed name of a layer, as sepconv_add_library forms it (cmake/SepconvLayers.cmake)."""
    rank = len(layer["spatial"])
    ones, letters = [1] * rank, "dhw"[3 - rank :]
    layout = f"nc{letters}" if channels_first(layer) else f"n{letters}c"
    activations = [layer.get(f"{at}_activation") for at in ("mid", "out")]
    curved = layer.get("input_activation") not in (None, "none") or any(
        isinstance(a, str) and a not in CLAMPS for a in activations
    )
    return (
        f"{rank}d_f{layer.get('dtype', 'float32')[5:]}_{layout}_k{axes(layer['kernel'])}s{axes(layer.get('strides', ones))}"
        f"d{axes(layer.get('dilation', ones))}m{layer.get('mult', 1)}c{layer['cin']}o{layer['cout']}e{axes(layer['spatial'])}"
        + ("_act" if curved else "")
    )


def filled(size, granule):
    return size / (-(-size // granule) * granule)


def pixels_of(layer):
    return math.prod(
        -(-extent // stride)
        for extent, stride in zip(layer["spatial"], layer.get("strides", [1] * 3))
    )


def shortest_block(layer, space, p):
    """Blocks are evened out: of two lengths that give as many, the shorter is enough (or the default, for the longest)."""
    channels = layer["cin"] * layer.get("mult", 1)
    return p["sum_block"] == space["sum_block"]["default"] or p["sum_block"] <= min(
        b
        for b in space["sum_block"]["legal"]
        if -(-channels // b) == -(-channels // p["sum_block"])
    )


def sensible(layer, points, defaults, space):
    """The points that are worth compiling. `space`: what sepconv_space says of the row."""
    if not points:
        return []
    share, good = (
        rules_channels_first(layer, defaults, space)
        if channels_first(layer)
        else rules_channels_last(layer, defaults, space)
    )
    most = max(map(share, points))
    return [p for p in points if share(p) >= 0.94 * most and good(p)]


def rules_channels_last(layer, defaults, space):
    widest, outputs, pixels = (
        defaults["depthwise_vector"],
        layer["cout"],
        pixels_of(layer),
    )

    def share(p):
        return filled(pixels, p["tile_pixels"]) * filled(
            outputs, p["tile_vectors"] * p["vector"]
        )

    def good(p):
        if p["vector"] < min(widest, 8) or p["depthwise_vector"] < min(widest, 8):
            return False
        # Two multiply-adds of 256 bits a cycle, or one of 512, with a latency of four.
        accumulators = p["tile_pixels"] * p["tile_vectors"]
        if accumulators < (8 if widest < 16 else 6) and outputs >= 16:
            return False
        if not shortest_block(layer, space, p):
            return False
        if p["chunk"] not in (8, 16, 32, 48, 64, 80, 96):
            return False
        if p["depthwise_tile"] not in (2, 3, 4, 6, 7, 8):
            return False
        if p["depthwise_vector"] < widest and p["chunk"] % widest == 0:
            return False
        chunk_vectors = p["chunk"] // p["depthwise_vector"]
        if (
            not 4
            <= p["depthwise_tile"] * chunk_vectors
            <= max(widest, 3 * chunk_vectors)
        ):
            return False
        if p["tap_rows"] and chunk_vectors * math.prod(layer["kernel"]) > widest:
            return False
        return not (p["tap_unroll"] > 1 and layer["kernel"][-1] % p["tap_unroll"])

    return share, good


def rules_channels_first(layer, defaults, space):
    outputs, pixels = layer["cout"], pixels_of(layer)
    widest = max(defaults["vector"], defaults["depthwise_vector"])
    width = -(-layer["spatial"][-1] // layer.get("strides", [1])[-1])

    def share(p):
        if p["panel_lanes"]:
            return filled(pixels, p["tile_pixels"]) * filled(
                outputs, p["tile_vectors"] * p["vector"]
            )
        tile = p["tile_vectors"] * p["vector"]
        rest = pixels % tile
        granule = p["vector"] if rest <= p["vector"] else tile
        return filled(pixels, granule) * filled(outputs, p["tile_channels"])

    def good(p):
        if p["vector"] < min(widest, 8) or p["depthwise_vector"] < min(widest, 8):
            return False
        idle = "tile_channels" if p["panel_lanes"] else "tile_pixels"
        if p[idle] != defaults[idle]:
            return False
        side = p["tile_pixels"] if p["panel_lanes"] else p["tile_channels"]
        if side * p["tile_vectors"] < (8 if widest < 16 else 20) and outputs >= 16:
            return False
        if not shortest_block(layer, space, p):
            return False
        if p["depthwise_vector"] >= 2 * width and p["depthwise_vector"] > 4:
            return False
        return 4 <= p["depthwise_tile"] * p["depthwise_rows"] <= widest

    return share, good
