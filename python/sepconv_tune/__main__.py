import sys

from .cli import dispatch

dispatch(sys.argv[1:])
