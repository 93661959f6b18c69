"""Chains of stores, fast to slow, that behave as one store.

`opening` makes one; `chain` serves and stores, `deposit` and `writeback` carry results to the slower tiers, `tier`
knows whether a store is there, `union`, `care` and `copying` are for those who list and look after it.
"""

from __future__ import annotations

from cas.tiers.chain import Chain
from cas.tiers.opening import open_chain

__all__ = ["Chain", "open_chain"]
