"""What one core of this machine can do at best: the multiply-add peak, and bandwidth times intensity."""

LEVELS = (("L2", 256 << 10), ("L3", 8 << 20), ("memory", 256 << 20))


class Roofline:
    def __init__(self, peak, levels):
        self.peak = peak  # GFLOP/s
        self.levels = levels  # [(name, bytes, GB/s)]

    @classmethod
    def measure(cls, ours, threads):
        return cls(
            ours.peak(threads), [(n, size, ours.bandwidth(size)) for n, size in LEVELS]
        )

    @classmethod
    def of(cls, once):
        """From what a measurement says of itself."""
        levels = [
            (b["level"], b["bytes"], b["gbytes_per_second"]) for b in once["bandwidth"]
        ]
        return cls(once["peak_gflops"], levels)

    def at(self, flops, size):
        """GFLOP/s that `flops` operations on `size` bytes of input, weights and output can reach at best."""
        bandwidth = next(
            (b for _, s, b in self.levels if size <= 2 * s), self.levels[-1][2]
        )
        return min(self.peak, flops / size * bandwidth)


def plot(results, best, roofline, file, title=None):
    """A picture of the results' speeds under the roofline; `best` gives a result's best peer as (milliseconds, name)."""
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import matplotlib.ticker

    figure, axes = plt.subplots(figsize=(7.5, 4.5))
    x = [r["intensity"] for r in results]
    theirs = [r["flops"] / best(r)[0] / 1e6 for r in results]
    mine = [r["gflops"] for r in results]
    bottom = min(10, *mine)
    intensity = np.geomspace(0.25, 2 * max(x), 500)
    for (name, _, bandwidth), line in zip(roofline.levels, (":", "--", "-")):
        roof = np.minimum(roofline.peak, intensity * bandwidth)
        label = f"roof from {name}: {bandwidth:.0f} GB/s"
        axes.plot(intensity, roof, color="0.6", lw=1, ls=line, label=label)
    label = f"{roofline.peak:.0f} GFLOP/s"
    axes.text(intensity[-1], roofline.peak * 1.04, label, ha="right", fontsize=8)
    style = {"marker": "o", "ms": 5, "ls": ""}
    axes.plot(x, theirs, mfc="none", color="tab:orange", label="best peer", **style)
    axes.plot(x, mine, color="tab:blue", label="sepconv", **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom, 1.4 * roofline.peak)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        axis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.set_xlabel("flops for each byte of input, weights and output")
    axes.set_ylabel("GFLOP/s")
    if title:
        axes.set_title(title, fontsize=10)
    axes.legend(loc="lower right", fontsize=9)
    figure.tight_layout()
    figure.savefig(file, dpi=90, format="png")
    plt.close(figure)
