"""A layer's search with a workers whose times are computed: it finds the best, and nothing that goes wrong wins or is lost."""

import os
import pathlib
import subprocess
import sys

import optuna
import pytest
from fake_workers import FakeWorkers, cost, layer

from sepconv_tune import storage
from sepconv_tune.search import Search, Settings
from sepconv_tune.space import Space
from sepconv_tune.toolchain import Toolchain, ToolError

LAYER = layer("2d_f32_nhwc_k3s2d1m1c128o128e56", name="wide", spatial=[56, 56], cin=128, cout=128)


@pytest.fixture
def space(build):
    space = Space(Toolchain.load(build), LAYER.variant, "x86_avx2", LAYER)
    yield space
    space.close()


def search(space, workers, trials=60, where="sqlite:///:memory:", **settings):
    study = storage.open_study(storage.open_storage(where), "study", {})
    return Search(workers, space, study, Settings(trials, **settings), lambda _search: None)


def least(space):
    """Of the legal points, by the fake workers's formula."""
    tiles = [space.default | t for t in space.legal_points(("vector", "tile_pixels", "tile_vectors"))]
    return min(cost(t | {"sum_unroll": 2, "strip_pixels": 128, "panel_inner": 1}) for t in tiles)


def test_a_variant_for_many_layers_keeps_what_it_takes(build, space):
    shipped = Space(Toolchain.load(build), "2d_f32_nhwc_k3s1d1m1", "x86_avx2", LAYER)
    assert set(space.names) - set(shipped.names) == {"stage", "strip_pixels"}
    shipped.close()


def test_finds_what_is_faster(space):
    workers = FakeWorkers()
    s = search(space, workers, slower=9)
    s.run()
    outcome = s.final()
    assert outcome.trials == 60 and outcome.ms_default == pytest.approx(cost(space.default))
    assert outcome.ms <= 1.2 * least(space) and outcome.ms < 0.75 * outcome.ms_default, outcome
    assert all(space.is_legal(p) for p in workers.measured)


def test_a_small_space_is_searched_to_its_end(build):
    alone = LAYER.in_format("float64", channels_first=True, depthwise_only=True)
    small = Space(Toolchain.load(build), "2d_f64_nchw_any_depthwise", "x86_avx2", alone)
    try:
        assert set(small.names) == {"depthwise_vector", "depthwise_tile", "depthwise_rows", "tap_unroll"}
        assert "the name must fix the kernel" in small.why_illegal([small.default | {"tap_unroll": 3}])[0]
        s = search(small, FakeWorkers(), trials=60)
        s.run()
        assert 5 < s.final().trials <= 60
    finally:
        small.close()


def test_a_variant_whose_defaults_fail(space):
    s = search(space, FakeWorkers(wrong=lambda _point: True))
    with pytest.raises(ToolError, match=r"the best point so far cannot be measured: its answer is wrong by 0\.3"):
        s.run()
    assert not s.finished(), "no candidate is to blame"


def test_uniform_draws_are_legal(space):
    workers = FakeWorkers()
    search(space, workers, trials=20, uniform=True).run()
    assert len({repr(p) for p in workers.measured}) >= 20
    assert all(space.is_legal(p) for p in workers.measured)


def test_a_wrong_candidate_never_wins(space):
    workers = FakeWorkers(wrong=lambda p: p["sum_unroll"] == 2 or p["strip_pixels"] == 128)
    s = search(space, workers)
    s.run()
    outcome = s.final()
    assert outcome.point["sum_unroll"] != 2 and outcome.point["strip_pixels"] != 128
    wrong = [t for t in s.finished() if t.user_attrs["status"] == "wrong"]
    assert wrong and all(t.state == optuna.trial.TrialState.FAIL and "0.3" in t.user_attrs["reason"] for t in wrong)


def test_crashes_and_compile_errors_cost_their_own_trial(space):
    workers = FakeWorkers(crashes=lambda p: p["tap_rows"] == 1, broken=lambda p: p["sum_unroll"] == 1)
    s = search(space, workers)
    s.run()
    outcome = s.final()
    assert outcome.ms < cost(space.default) and outcome.point["tap_rows"] == 0 and outcome.point["sum_unroll"] != 1
    reasons = {t.user_attrs["reason"] for t in s.finished() if t.user_attrs["status"] == "failed"}
    assert any("status -11" in r for r in reasons) and any("says no" in r for r in reasons)


def test_a_lost_runner_costs_a_retry(space):
    workers = FakeWorkers(lost={3, 5, 6})
    s = search(space, workers, trials=20)
    s.run()
    assert len(s.finished()) == 20
    assert not [t for t in s.finished() if t.user_attrs["status"] == "failed"]


def test_defaults_that_do_not_compile_are_an_error(space):
    with pytest.raises(ToolError, match="says no"):
        search(space, FakeWorkers(broken=lambda _p: True)).run()


def test_resumes(space, tmp_path):
    where = str(tmp_path / "t.db")
    first = search(space, FakeWorkers(), trials=12, where=where)
    first.run()
    kept = {t.number: t.value for t in first.finished()}
    second = search(space, FakeWorkers(), trials=30, where=where)
    assert {t.number: t.value for t in second.finished()} == kept
    second.run()
    values = {t.number: t.value for t in second.finished()}
    assert len(values) == 30 and kept.items() <= values.items()
    keys = [tuple(t.params.items()) for t in second.finished()]
    assert len(set(keys)) == len(keys), "nothing is tried twice"


def test_suggestions_come_first(space):
    workers = FakeWorkers()
    s = search(space, workers, trials=8)
    s.suggest([{"tile_pixels": 5, "nonsense": 3}, {"tile_pixels": 7, "tile_vectors": 2}, {"strip_pixels": 96}])
    s.run()
    params = [t.params for t in s.finished()]
    assert params[0] == {n: space.default[n] for n in space.names}
    assert params[1]["tile_pixels"] == 5 and params[2]["strip_pixels"] == 96, "an illegal point is left out"


def test_nothing_slower_than_the_defaults_is_returned(space):
    class Drifting(FakeWorkers):
        def measure(self, candidates, layer, words, seconds):
            answer = super().measure(candidates, layer, words, seconds)
            for i, result in enumerate(answer["candidates"][1:], 1):  # in short races others look fast
                lucky = 0.9 if "budget=0.1" in words else 1.1
                result["ratio"] = lucky * (1 + i / 1000)
            return answer

    s = search(space, Drifting(), trials=20)
    s.run()
    assert s.final().point == space.default


def test_the_winner_wins_twice(space):
    """What is faster in the last race alone, or by less than 2%, is not recorded."""

    class Lucky(FakeWorkers):
        def __init__(self, again):
            super().__init__()
            self.again, self.races = again, 0

        def measure(self, candidates, layer, words, seconds):
            answer = super().measure(candidates, layer, words, seconds)
            if "budget=0.8" in words:
                self.races += 1
            for result in answer["candidates"][1:]:
                result["ratio"] = self.again if self.races == 2 else 0.9
            return answer

    for again, wins in ((0.95, True), (0.985, False), (1.1, False)):
        s = search(space, Lucky(again), trials=8)
        s.run()
        outcome = s.final()
        assert (outcome.point != space.default) == wins, again
        assert not wins or outcome.ms == pytest.approx(0.95 * outcome.ms_default), "the worse of the two"


def test_several_layers(build):
    """A variant that several layers use gets what is best in their geometric mean; what is wrong on one of them never wins."""
    small = LAYER.replaced(spatial=[14, 14])
    space = Space(Toolchain.load(build), "2d_f32_nhwc_k3s2d1m1", "x86_avx2", LAYER, small)

    class Both(FakeWorkers):
        def measure(self, candidates, layer, words, seconds):
            answer = super().measure(candidates, layer, words, seconds)
            if layer is small:
                for c, result in zip(candidates, answer["candidates"], strict=True):
                    if c.point["sum_unroll"] == 2:
                        result.clear()
                        result["max_error"] = 0.3
                    else:
                        result["ratio"] = 1.0
            return answer

    s = search(space, Both(), trials=24)
    s.suggest([{"sum_unroll": 2}])
    s.run()
    space.close()
    wrong = [t for t in s.finished() if t.params["sum_unroll"] == 2]
    assert wrong and all(t.user_attrs["status"] == "wrong" for t in wrong)
    for t in s.finished():
        if t.state == optuna.trial.TrialState.COMPLETE:
            ratio = cost(space.complete(t.params)) / cost(space.default)
            assert t.value == pytest.approx(ratio**0.5)


@pytest.mark.parametrize("text", ["no database at all", ""])
def test_a_corrupt_storage_is_named(tmp_path, text):
    path = tmp_path / "t.db"
    path.write_text(text * 1000)
    if text:
        with pytest.raises(ValueError, match="t.db"):
            storage.open_storage(str(path))
    else:
        storage.open_storage(str(path))
    journal = tmp_path / "t.journal"
    journal.write_text('{"op_code": 99}\nrubbish\n{}\n')
    with pytest.raises(ValueError, match=r"t.journal|study"):
        storage.open_study(storage.open_storage(str(journal)), "s", {})


def test_several_programs_make_a_storage(tmp_path):
    """All of them open it, whoever makes its tables."""
    path = str(tmp_path / "t.db")
    words = [
        sys.executable,
        "-c",
        "import sys; from sepconv_tune import storage; storage.open_storage(sys.argv[1])",
        path,
    ]
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}
    started = [subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    errors = [program.communicate(timeout=200)[1] for program in started]
    assert [program.returncode for program in started] == [0] * 6, errors
