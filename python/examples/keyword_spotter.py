"""A keyword spotter that listens to a sound in pieces, as a microphone gives it.

    python python/examples/keyword_spotter.py [--piece MILLISECONDS] [--wav FILE]

It writes a WAV file of "words" (each a melody of three tones) between noise, and listens to it: the loudness of some bands
every 10 ms, then two causal separable layers. The first smooths and sharpens over time, the second compares the last 300 ms
with each word: a depthwise stage weighs time, for each band and word, and a pointwise stage adds up the bands. What a
`sepconv.Stream` says of pieces of any length is what the layers say of the whole sound, bit for bit.
"""

import argparse
import pathlib
import sys
import tempfile
import wave

import numpy as np

import sepconv

RATE = 16000
HOP = RATE // 100
"""Samples of a frame: 10 ms."""
BANDS = np.geomspace(300, 3000, 16)
"""Their middles, in Hz."""
WORDS = {"up": (400, 800, 1600), "down": (1600, 800, 400), "again": (800, 2400, 800)}
FRAMES = 30
"""Of a word."""
THRESHOLD = 0.5
"""Of the likeness of a word to itself."""


def make_sound(said, seed=0):
    """The samples, int16: each word of `said` after half a second of noise, louder and softer, and noise at the end."""
    rng = np.random.default_rng(seed)
    parts = []
    for word in said:
        parts += [np.zeros(RATE // 2), sound_of(word) * rng.uniform(0.1, 0.6)]
    sound = np.concatenate([*parts, np.zeros(RATE // 2)])
    return np.round((sound + rng.standard_normal(len(sound)) * 0.005) * 32767).clip(-32768, 32767).astype(np.int16)


def sound_of(word):
    time = np.arange(FRAMES * HOP // len(WORDS[word])) / RATE
    return np.concatenate([np.sin(2 * np.pi * tone * time) for tone in WORDS[word]])


def loudness(samples):
    """Of each whole frame of samples, in each band: (1, frames, bands). A frame is computed from its own samples only."""
    frames = samples[: len(samples) // HOP * HOP].reshape(-1, HOP).astype("f") / 32768
    phase = 2 * np.pi * np.outer(np.arange(HOP) / RATE, BANDS)
    waves = (np.hanning(HOP)[:, None] * np.exp(1j * phase)).astype(np.complex64)
    levels = [
        np.log10(1e-3 + np.abs(frame @ waves)) for frame in frames
    ]  # one by one: a product of many may round otherwise
    return np.array(levels, "f").reshape(1, -1, len(BANDS))


def make_network():
    """Loudness to the likeness of each word, (1, frames, bands) to (1, frames, words)."""
    bands = len(BANDS)
    smooth = np.broadcast_to(np.array([0.25, 0.5, 0.25], "f")[:, None, None], (3, bands, 1))
    contrast = np.eye(bands, dtype="f") - np.float32(1 / bands)  # what is loud in all bands at once is no tone
    sharpen = sepconv.Layer(smooth, contrast[None], padding="causal", out_activation="relu")
    spoken = {word: sharpen(loudness((sound_of(word) * 0.3 * 32767).astype(np.int16)))[0] for word in WORDS}
    # What is usual for a word, less what is usual for all: with this as weights, a word is most like itself.
    usual = sum(spoken.values()) / len(spoken)
    times = np.stack([spoken[word] - usual for word in WORDS], axis=-1)  # (frames, bands, words)
    own = {word: float((times[..., i] * spoken[word]).sum()) for i, word in enumerate(WORDS)}
    sums = np.zeros((bands, len(WORDS), len(WORDS)), "f")  # channel band * words + i of the intermediate goes to word i
    for i, word in enumerate(WORDS):
        sums[:, i, i] = 1 / own[word]
    compare = sepconv.Layer(times.astype("f"), sums.reshape(1, -1, len(WORDS)), padding="causal")
    return sepconv.Chain([sharpen, compare])


def spotted(likeness):
    """(seconds, word) at each peak above the threshold."""
    found, best, since = [], None, 0
    for frame, row in enumerate(likeness[0]):
        word = int(row.argmax())
        if row[word] > THRESHOLD and (best is None or row[word] > best[0]):
            best, since = (row[word], frame, word), 0
        elif best is not None and (since := since + 1) > FRAMES // 2:
            found.append((best[1] * HOP / RATE, list(WORDS)[best[2]]))
            best = None
    return found


def listen(path, network, piece):
    """The likeness of each word at each frame, from a file that is read `piece` samples at a time."""
    stream, left, heard = sepconv.Stream(network), np.zeros(0, np.int16), []
    with wave.open(str(path)) as file:
        while data := file.readframes(piece):
            samples = np.concatenate([left, np.frombuffer(data, np.int16)])
            heard.append(stream.push(loudness(samples)))
            left = samples[len(samples) // HOP * HOP :]
    return np.concatenate(heard, axis=1)


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--piece", type=float, default=25, help="milliseconds read at a time (25)")
    parser.add_argument("--wav", type=pathlib.Path, help="where to write the sound")
    options = parser.parse_args()
    piece = int(options.piece * RATE / 1000)
    if piece < 1:
        sys.exit(f"--piece must be at least {1000 / RATE} ms, received {options.piece}")
    said = ["up", "again", "down", "down", "up", "again", "up", "down"]
    samples, network = make_sound(said), make_network()
    with tempfile.TemporaryDirectory() as folder:
        path = options.wav or pathlib.Path(folder) / "words.wav"
        write(path, samples)
        likeness = listen(path, network, piece)
    whole = network(loudness(samples))
    found = spotted(likeness)
    for seconds, word in found:
        print(f"{seconds:5.2f} s  {word}")
    same = likeness.tobytes() == whole.tobytes()
    print(
        f"in pieces of {options.piece:g} ms, {len(samples) / RATE:.1f} s: {'the same bits as' if same else 'NOT'} the whole"
    )
    if not same or [word for _, word in found] != said:
        sys.exit("the spotter did not hear what was said")


if __name__ == "__main__":
    main()
