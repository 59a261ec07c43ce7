"""Which legal points are not worth compiling: those that are surely slower than a neighbour. Random search does without these rules."""

import functools
import math

from . import device
from .device import share_filled
from .layers import Layer
from .space import Point, Space

_TILE = ("panel_lanes", "vector", "tile_pixels", "tile_channels", "tile_vectors")
"""The parameters of a register tile."""
_NEARLY_BEST = 0.94
"""Of the best tile's share of lanes in use. What tiles reach when they are full differs by some 4% (generators/targets/
channels_first_defaults.cpp), so one that wastes a little more than that may still win."""
_FEWEST_SUMS = {"narrow": 8, "wide": 6, "wide_channels_first": 20}
"""Sums of a tile, in vectors, that are worth a try. Of up to 8 lanes: two multiply-adds a cycle with a latency of four want 8. Of 16
lanes: one a cycle (generators/targets/x86.cpp) wants 4, and 6 leaves room for the loads; with channels first no tile but those
near the defaults' 24 sums was ever worth it, a choice by hand."""


class Pruning:
    """Whether a legal point is worth compiling for a layer."""

    def __init__(self, space: Space, layer: Layer):
        self.space, self.layer, self.default = space, layer, space.default
        self.outputs = self.layer.fields["cout"]
        self.widest = max(self.default.get(name, 0) for name in ("vector", "depthwise_vector"))
        self.first = self.layer.channels_first

    @functools.cached_property
    def best_share(self) -> float:
        """Of the lanes of a register tile that hold something, over all legal tiles."""
        return max(self.share(self.default | tile) for tile in self.space.legal_points(_TILE))

    def keeps(self, point: Point) -> bool:
        if self.space.on_device:
            return device.is_worthwhile(point, self.default, self.layer)
        if self.layer.depthwise_only:
            return self.depthwise(point)
        return self.share(point) >= _NEARLY_BEST * self.best_share and self.pointwise(point) and self.depthwise(point)

    def share(self, p: Point) -> float:
        """The share of a register tile's lanes that hold pixels and channels of the layer."""
        pixels, lanes = self.layer.pixels, p["tile_vectors"] * p["vector"]
        if not self.first or p["panel_lanes"]:
            return share_filled(pixels, p["tile_pixels"]) * share_filled(self.outputs, lanes)
        granule = p["vector"] if pixels % lanes <= p["vector"] else lanes
        return share_filled(pixels, granule) * share_filled(self.outputs, p["tile_channels"])

    def pointwise(self, p: Point) -> bool:
        if p["vector"] < min(self.widest, 8):
            return False
        side, unread = "tile_pixels", "tile_channels"
        if self.first and not p["panel_lanes"]:
            side, unread = unread, side
        if p[unread] != self.default[unread]:
            return False
        kind = "narrow" if self.widest < 16 else "wide_channels_first" if self.first else "wide"
        if p[side] * p["tile_vectors"] < _FEWEST_SUMS[kind] and self.outputs >= 16:
            return False
        return self.shortest_block(p)

    def shortest_block(self, p: Point) -> bool:
        """Blocks are evened out: of two lengths that give as many, the shorter is enough."""
        if p["sum_block"] == self.default["sum_block"]:
            return True
        blocks = lambda length: -(-self.layer.middle // length)
        legal = self.space.legal["sum_block"]
        return p["sum_block"] == min(length for length in legal if blocks(length) == blocks(p["sum_block"]))

    def depthwise(self, p: Point) -> bool:
        lanes, usual = p["depthwise_vector"], self.default["depthwise_vector"]
        if lanes < min(self.widest, 8) and lanes != usual:
            return False
        unrolled = p["tap_unroll"]
        if unrolled > 1 and self.layer.kernel[-1] % unrolled and unrolled != self.default["tap_unroll"]:
            return False
        return self.depthwise_first(p) if self.first else self.depthwise_last(p)

    def depthwise_first(self, p: Point) -> bool:
        if p["depthwise_vector"] >= 2 * self.layer.output[-1] and p["depthwise_vector"] > 4:
            return False  # mostly past the end of a line
        sums = p["depthwise_tile"] * p["depthwise_rows"]
        return 4 <= sums <= self.widest or p["depthwise_tile"] == self.default["depthwise_tile"]

    def depthwise_last(self, p: Point) -> bool:
        vectors, usual = p["chunk"] // p["depthwise_vector"], self.default["depthwise_vector"]
        if p["depthwise_vector"] < usual and p["chunk"] % usual == 0:
            return False  # a wider vector would do
        if p["chunk"] >= 2 * max(self.layer.fields["cin"], 8):
            return False  # mostly channels that the layer does not have
        if p["tap_rows"] and vectors * math.prod(self.layer.kernel) > self.widest:
            return False  # the weights would not stay in registers
        # Again the latency of a multiply-add; and no more sums than registers.
        return 4 <= p["depthwise_tile"] * vectors <= max(self.widest, 3 * vectors)
