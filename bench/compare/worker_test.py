"""Tests of workers that fail, hang and die, and of what goes on without them."""

import os
import signal
import time
import unittest
from unittest import mock

import worker
from turns import in_turns


class Toy(worker.Server):
    def __init__(self, start):
        super().__init__(cold=False)
        self.start = start

    def load(self, what):
        if what == "hang":
            time.sleep(60)
        if what == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == "fail":
            raise KeyError("nothing here")
        self.made["toy"] = (lambda: time.sleep(0.001), None)
        return f"{self.start}{what}"


class Workers(unittest.TestCase):
    def setUp(self):
        self.worker = worker.Worker(Toy, "toy ")
        self.addCleanup(self.worker.close)

    def test_answer(self):
        self.assertEqual(self.worker.ask("load", "good"), "toy good")
        times = self.worker.ask("turn", "toy")
        self.assertGreater(min(times), 0.001)
        self.assertLess(len(times), 15)

    def test_are_lost_and_start_anew(self):
        for what, complaint in (
            ("die", "its process ended with SIGSEGV"),
            ("hang", r"no answer in 3 s \(load\)"),
            ("fail", "KeyError: 'nothing here'"),
        ):
            with self.subTest(what):
                self.assertEqual(self.worker.ask("load", "good"), "toy good")
                limit = mock.patch.dict(worker.LIMITS, load=3)
                with limit, self.assertRaisesRegex(RuntimeError, complaint):
                    self.worker.ask("load", what)

    def test_that_is_stopped_is_ended(self):
        self.worker.ask("load", "good")
        process = self.worker.process
        os.kill(process.pid, signal.SIGSTOP)
        with (
            mock.patch.dict(worker.LIMITS, turn=0.2),
            self.assertRaisesRegex(RuntimeError, "no answer"),
        ):
            self.worker.ask("turn", "toy")
        self.assertFalse(process.is_alive())

    def test_turns_go_on_without_who_is_lost(self):
        def lost():
            raise RuntimeError("gone")

        failed = {}
        times = in_turns({"a": lambda: [0.25, 0.5], "b": lost}, 0.01, failed)
        self.assertEqual(failed, {"b": "gone"})
        self.assertEqual(times, {"a": {"min": 250, "median": 375}})


if __name__ == "__main__":
    unittest.main()
