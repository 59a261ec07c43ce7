"""A process for each library, so that one that hangs or dies takes nothing with it. The clock runs inside: what is measured crosses
no border between processes. Libraries wait, all but one, for their turns.
"""

import multiprocessing
import signal

import numpy as np
from models import model_file
from peers import peer
from tensors import Tensors
from turns import Evictor, one_turn

LIMITS = {"load": 120.0, "check": 60.0, "turn": 60.0, "unload": 10.0}  # seconds
CONTEXT = multiprocessing.get_context("spawn")


class Worker:
    """A process that is started when it is first asked, and anew when it was lost. `server` makes the object there whose methods
    are called: a class or function of a module, and its arguments."""

    def __init__(self, server, *arguments):
        self.start = (server, *arguments)
        self.process = self.pipe = None

    def ask(self, method, *arguments):
        """The answer. Raises RuntimeError with what the method raised, or with how the process was lost."""
        if self.process is None:
            self.pipe, there = CONTEXT.Pipe()
            self.process = CONTEXT.Process(target=serve, args=(there, *self.start))
            self.process.start()
            there.close()
        try:
            self.pipe.send((method, arguments))
            if not self.pipe.poll(LIMITS[method]):
                self.close()
                raise RuntimeError(f"no answer in {LIMITS[method]:.0f} s ({method})")
            good, answer = self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join()
            code = self.process.exitcode
            self.close()
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
            raise RuntimeError(f"its process ended with {how} ({method})") from error
        if not good:
            raise RuntimeError(answer)
        return answer

    def close(self):
        """Ends the process, whatever it does."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
        self.process = self.pipe = None


def serve(pipe, server, *arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for who started us
    instance = None
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:
            return
        try:
            instance = instance or server(*arguments)
            answer = True, getattr(instance, method)(*given)
        except Exception as error:  # noqa: BLE001 (a library may fail in any way)
            text = str(error).strip() or "no reason given"
            answer = False, f"{type(error).__name__}: {text[:200]}"
        pipe.send(answer)


class Server:
    """In the worker: the candidates of one layer, which a subclass loads as {name: (call, output)}."""

    def __init__(self, cold):
        self.before = Evictor() if cold else None
        self.made = {}

    def check(self, name, expected):
        """The largest difference of a candidate's answer from the one in the file, relative to the largest magnitude."""
        call, output = self.made[name]
        call()
        wanted, received = np.load(expected), output()
        if wanted.shape != received.shape:
            raise ValueError(f"its answer is {received.shape}, not {wanted.shape}")
        return float(np.abs(wanted - received).max() / np.abs(wanted).max())

    def turn(self, name):
        return one_turn(self.made[name][0], self.before)

    def unload(self):
        self.made = {}


class PeerServer(Server):
    def __init__(self, name, threads, cold):
        super().__init__(cold)
        self.peer, self.threads = peer(name), threads

    def load(self, layer, model):
        """The names of its candidates, and why there are not more, or ""."""
        self.made, kind = {}, self.peer.MODEL
        try:
            file = kind and model_file(model, kind)
            given = layer, Tensors(layer), self.threads, file
            for name, call, output in self.peer.candidates(*given):
                self.made[name] = call, output
        except Exception as error:  # noqa: BLE001 (what was made before counts)
            text = str(error) if type(error) is ValueError else repr(error)
            return list(self.made), text[:200]
        return list(self.made), ""
