"""Wrong values, false misses, errors and hangs: ours beside the peers, one scenario a row."""
