"""A Keras model before and after sepconv.keras.optimize: KERAS_BACKEND=... times.py NAME RESULTS

Writes RESULTS/times-BACKEND-NAME.json: the fastest run of each in milliseconds, in turns, on one thread, and the largest difference
of the outputs, relative to the largest magnitude.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python" / "examples"))
import keras_mobilenet  # says how many threads the frameworks have, before it imports one
import sepconv.keras
import zoo


def main():
    np = keras_mobilenet.np
    name, results = sys.argv[1], pathlib.Path(sys.argv[2])
    model = zoo.keras_model(name)
    x = (
        np.random.default_rng(2)
        .standard_normal((1, *model.input_shape[1:]))
        .astype("f")
    )
    fast = sepconv.keras.optimize(model)
    calls = [keras_mobilenet.compiled(m, x) for m in (model, fast)]
    before, after = (np.asarray(call(), np.float64) for call in calls)
    error = float(np.abs(before - after).max() / np.abs(before).max())
    times = [min(its) for its in keras_mobilenet.milliseconds(calls)]
    report = sepconv.keras.report(fast)
    content = {
        "name": name,
        "backend": keras_mobilenet.keras.backend.backend(),
        "before_ms": times[0],
        "after_ms": times[1],
    }
    content |= {"error": error, "fused": len(report), "left": len(report.left)}
    (results / f"times-{content['backend']}-{name}.json").write_text(
        json.dumps(content, indent=1)
    )


if __name__ == "__main__":
    main()
