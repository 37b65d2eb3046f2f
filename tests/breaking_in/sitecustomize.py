"""Loaded by every Python of a worker whose PYTHONPATH leads here; only one that runs a flow has anything to break."""

import os
import sys

if "BREAK_IN_WAY" in os.environ and any("prefect.engine" in part for part in sys.orig_argv):
    from tests.breaking import break_this_process

    break_this_process()
