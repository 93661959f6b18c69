"""What the programs on the board import: it counts computations, and lets one of them never end."""

import os


def ran():
    """Count one computation, in a file that all processes of a scenario share."""
    with open(os.environ["WITNESS"], "ab") as stream:
        stream.write(b".")


def stall():
    """Never return in the first process that comes here, if one is to be killed; say which it is."""
    path = os.environ["WITNESS"]
    try:
        os.rename(path + ".leader", path + ".taken")
    except FileNotFoundError:
        return
    with open(path + ".stalled", "w") as stream:
        stream.write(f"{os.getpid()}\n")
    os.read(os.open(path + ".never", os.O_RDWR), 1)
