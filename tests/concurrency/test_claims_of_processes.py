"""Claims among processes: one holder at a time, and none held by the dead."""

from __future__ import annotations

import cas
from tests.concurrency.crowd import Crowd, run_together
from tests.deposits import key

COUNT = """
store = cas.open(folder)
path = folder + "-count"
for _ in range(50):
    with store.claim(key(1)):
        with open(path) as file:
            count = int(file.read())
        with open(path, "w") as file:
            file.write(str(count + 1))
"""


def test_claims_exclude_processes(tmp_path):
    """Processes that count in a file, each under the claim of one key, lose no count."""
    counter = tmp_path / "store-count"
    counter.write_text("0")
    run_together(COUNT, tmp_path / "store", 6)
    assert counter.read_text() == "300"


COUNT_IN_THREADS = COUNT.replace("range(50)", "range(20)")
THREADS = f"""
import threading
def count_up():
{"".join(f"    {line}" + chr(10) for line in COUNT_IN_THREADS.strip().splitlines())}
threads = [threading.Thread(target=count_up) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_claims_exclude_threads_of_processes(tmp_path):
    """Threads of several processes that count under one claim lose no count."""
    counter = tmp_path / "store-count"
    counter.write_text("0")
    run_together(THREADS, tmp_path / "store", 3)
    assert counter.read_text() == "240"


HOLD = """
claim = cas.open(folder).claim(key(1))
claim.__enter__()
print("held", flush=True)
sys.stdin.readline()
"""
WAIT = """
with cas.open(folder).claim(key(2)):
    print("waits", flush=True)
with cas.open(folder).claim(key(1)):
    print("mine", flush=True)
"""


TRY = """
print(cas.open(folder).try_claim(key(1)) is None, cas.open(folder).try_claim(key(2)) is None, flush=True)
"""


def test_tried_claim_of_another_process_is_not_had(tmp_path):
    """What a living process holds is found taken, and anything else is free."""
    folder = tmp_path / "store"
    with cas.open(folder).claim(key(1)):
        assert run_together(TRY, folder, 1) == ["True False\n"]
    assert run_together(TRY, folder, 1) == ["False False\n"]


def test_claim_of_a_killed_process_is_free(tmp_path):
    """A process that waits for a claim gets it at once when its holder is killed."""
    folder = tmp_path / "store"
    cas.open(folder).close()
    holder, waiter = Crowd(HOLD, folder, [0]), Crowd(WAIT, folder, [1])
    holder.start()
    assert holder.members[0].stdout.readline() == "held\n"
    waiter.start()
    assert waiter.members[0].stdout.readline() == "waits\n"
    holder.members[0].kill()
    holder.members[0].communicate()
    assert waiter.finish() == ["mine\n"]
    with cas.open(folder).claim(key(1)):
        pass
