from .cli import tune

tune(prog_name="sepconv tune")
