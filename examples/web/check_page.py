"""Opens the page in a headless browser and checks what it computed.

check_page.py INDEX.html [--screenshot FILE.png] CHROMIUM

The picture: a few pixels of the filtered canvas against the same Gaussian and colours, computed here from the canvas beside it. The
layers: all of them ran, by the expected variants, and are right. The browser is spoken to in its DevTools protocol, over pipes.
"""

import argparse
import base64
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

SIGMA, RADIUS = 2, 5
SEPIA = [
    [0.393, 0.349, 0.272],
    [0.769, 0.686, 0.534],
    [0.189, 0.168, 0.131],
]  # row: input
ERROR_LIMIT = 1e-5
LOADED = "document.readyState === 'complete' && location.href !== 'about:blank'"


class Browser:
    """A page in a browser of its own, which ends with it."""

    def __init__(self, path, page, folder):
        options = ["--headless=new", "--disable-gpu", "--remote-debugging-pipe"]
        options += [f"--user-data-dir={folder}", "--no-first-run"]
        options += [
            "--disable-background-networking",
            "--hide-scrollbars",
            "--window-size=960,900",
        ]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # which root cannot have
        read_there, self.write_here = os.pipe()
        self.read_here, write_there = os.pipe()
        # The browser reads from its descriptor 3 and writes to 4; high numbers first, so that none is overwritten.
        shell = (
            f"exec 9<&{read_there} 8>&{write_there}; exec 3<&9 4>&8 9<&- 8>&-; "
            'exec "$@"'
        )
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", path, *options, "about:blank"],
            pass_fds=[read_there, write_there],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_there)
        os.close(write_there)
        self.received, self.last_id, self.session = b"", 0, None
        target = self.call("Target.createTarget", url=page)["targetId"]
        self.session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]

    def call(self, method, **parameters):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_here, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self):
        while b"\0" not in self.received:
            part = os.read(self.read_here, 1 << 16)
            if not part:
                sys.exit(f"the browser ended with status {self.process.wait()}")
            self.received += part
        message, self.received = self.received.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, expression):
        """The value of a JavaScript expression, also of a promise."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            sys.exit(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {**size, "scale": 1}
        answer = self.call(
            "Page.captureScreenshot",
            format="png",
            clip=clip,
            captureBeyondViewport=True,
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()


def pixels(browser, canvas):
    """(width, height, the colours of a pixel as a function of x and y)."""
    text = f"document.getElementById('{canvas}')"
    width, height = browser.evaluate(f"[{text}.width, {text}.height]")
    data = f"{text}.getContext('2d').getImageData(0, 0, {width}, {height}).data"
    flat = browser.evaluate(f"Array.from({data})")
    return width, height, lambda x, y: flat[4 * (y * width + x) :][:3]


def expected(width, height, pixel, x, y):
    """The filtered colours, of 255: the picture is continued beyond its edges."""
    weights = [math.exp(-0.5 * (i / SIGMA) ** 2) for i in range(-RADIUS, RADIUS + 1)]
    total, blurred = sum(weights) ** 2, [0, 0, 0]
    for i, vertical in enumerate(weights):
        for j, horizontal in enumerate(weights):
            at_x = min(max(x + j - RADIUS, 0), width - 1)
            at_y = min(max(y + i - RADIUS, 0), height - 1)
            for c, value in enumerate(pixel(at_x, at_y)):
                blurred[c] += vertical * horizontal / total * value
    mixed = [sum(blurred[c] * SEPIA[c][o] for c in range(3)) for o in range(3)]
    return [min(value, 255) for value in mixed]


def check_picture(browser, answer):
    assert answer["variant"] == "2d_f32_nhwc_any_wasm_simd128", answer
    assert answer["max_error"] < ERROR_LIMIT, answer
    width, height, before = pixels(browser, "before")
    assert (width, height) == (720, 480)
    filtered_width, filtered_height, after = pixels(browser, "after")
    assert (filtered_width, filtered_height) == (width, height)
    seen = set()
    for x in (0, 1, width // 3, width // 2, width - 2, width - 1):
        for y in (0, 3, height // 3, height // 2, height - 1):
            want, got = expected(width, height, before, x, y), after(x, y)
            seen.add(tuple(got))
            for a, b in zip(want, got, strict=True):
                assert abs(a - b) <= 1, f"at {x}, {y}: {got}, not {want}"
    assert len(seen) > 10, "the picture is empty"
    print(f"picture: {len(seen)} colours compared, {answer['milliseconds']:.1f} ms")


def check_layers(names, results):
    assert len(results) == len(names) > 0, results
    for name, runs in zip(names, results, strict=True):
        variants = {kind: run["variant"] for kind, run in runs.items()}
        assert variants["any"] == "2d_f32_nhwc_any_wasm_simd128", variants
        assert variants["scalar"] == "2d_f32_nhwc_any_portable", variants
        assert variants["own"].startswith("2d_f32_nhwc_k3s"), variants
        assert variants["own"].endswith("_wasm_simd128"), variants
        for kind, run in runs.items():
            assert run["max_error"] < ERROR_LIMIT, (name, kind, run)
            assert run["milliseconds"] > 0, (name, kind, run)
        times = ", ".join(
            f"{k} {run['milliseconds']:.2f} ms" for k, run in runs.items()
        )
        print(
            f"{name}: {times}; {runs['own']['gflops']:.1f} GFLOP/s by {variants['own']}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshot", type=pathlib.Path, help="of the whole page")
    parser.add_argument("browser", help="a Chromium")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(arguments.browser, arguments.page.resolve().as_uri(), folder)
        try:
            while not browser.evaluate(LOADED):
                time.sleep(0.05)
            found = browser.evaluate("finished")
            check_picture(browser, found["filtered"])
            names = browser.evaluate("layerFile.layers.map((layer) => layer.name)")
            check_layers(names, found["layers"])
            if arguments.screenshot:
                browser.screenshot(arguments.screenshot)
        finally:
            browser.close()


main()
