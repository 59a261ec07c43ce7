"""Rules that keep hopeless candidates from being compiled: legal, but surely slower than a neighbour. Random search ignores them."""

import functools
import math

from . import device
from .layers import Layer
from .space import Point, Space


class Plausible:
    """Whether a legal point is worth compiling for a layer."""

    def __init__(self, space: Space, layer: Layer):
        self.space, self.layer, self.default = space, layer, space.default
        self.outputs = self.layer.fields["cout"]
        self.taps = math.prod(self.layer.kernel)
        self.widest = max(self.default.get(name, 0) for name in ("vector", "depthwise_vector"))
        self.first = self.layer.channels_first

    @functools.cached_property
    def best_share(self) -> float:
        """Of the lanes of a register tile that hold something, over all legal tiles."""
        return max(self.share(self.default | tile) for tile in self.space.group_points(self.space.groups[0]))

    def __call__(self, point: Point) -> bool:
        if self.space.on_device:
            return device.is_plausible(point, self.default, self.layer)
        if self.layer.depthwise_only:
            return self.depthwise(point)
        return self.share(point) >= 0.94 * self.best_share and self.pointwise(point) and self.depthwise(point)

    def share(self, p: Point) -> float:
        """The share of a register tile's lanes that hold pixels and channels of the layer."""
        pixels, lanes = self.layer.pixels, p["tile_vectors"] * p["vector"]
        if not self.first or p["panel_lanes"]:
            return _filled(pixels, p["tile_pixels"]) * _filled(self.outputs, lanes)
        granule = p["vector"] if pixels % lanes <= p["vector"] else lanes
        return _filled(pixels, granule) * _filled(self.outputs, p["tile_channels"])

    def pointwise(self, p: Point) -> bool:
        if p["vector"] < min(self.widest, 8):
            return False
        by_pixels = not self.first or p["panel_lanes"]
        if (
            self.first
            and p["tile_channels" if by_pixels else "tile_pixels"]
            != self.default["tile_channels" if by_pixels else "tile_pixels"]
        ):
            return False  # read by nothing
        # Two multiply-adds a cycle with a latency of four.
        side = p["tile_pixels"] if by_pixels else p["tile_channels"]
        fewest = 8 if self.widest < 16 else 20 if self.first else 6
        if side * p["tile_vectors"] < fewest and self.outputs >= 16:
            return False
        return self.shortest_block(p)

    def shortest_block(self, p: Point) -> bool:
        """Blocks are evened out: of two lengths that give as many, the shorter is enough."""
        if p["sum_block"] == self.default["sum_block"]:
            return True
        count = -(-self.layer.middle // p["sum_block"])
        return p["sum_block"] == min(
            block for block in self.space.legal["sum_block"] if -(-self.layer.middle // block) == count
        )

    def depthwise(self, p: Point) -> bool:
        if p["depthwise_vector"] < min(self.widest, 8) and p["depthwise_vector"] != self.default["depthwise_vector"]:
            return False
        if (
            p["tap_unroll"] > 1
            and self.layer.kernel[-1] % p["tap_unroll"]
            and self.default["tap_unroll"] != p["tap_unroll"]
        ):
            return False
        if self.first:
            width = self.layer.output[-1]
            if p["depthwise_vector"] >= 2 * width and p["depthwise_vector"] > 4:
                return False
            return 4 <= p["depthwise_tile"] * p["depthwise_rows"] <= self.widest or _same(
                p, self.default, "depthwise_tile"
            )
        vectors = p["chunk"] // p["depthwise_vector"]
        if (
            p["depthwise_vector"] < self.default["depthwise_vector"]
            and p["chunk"] % self.default["depthwise_vector"] == 0
        ):
            return False
        if p["chunk"] >= 2 * max(self.layer.fields["cin"], 8):
            return False
        if p["tap_rows"] and vectors * self.taps > self.widest:
            return False
        return 4 <= p["depthwise_tile"] * vectors <= max(self.widest, 3 * vectors)


def _filled(size: int, granule: int) -> float:
    return size / (-(-size // granule) * granule)


def _same(p: Point, q: Point, name: str) -> bool:
    return p[name] == q[name]
