"""Timings of ours beside the peers and the floors, interleaved in one run."""
