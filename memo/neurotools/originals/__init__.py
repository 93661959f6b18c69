"""The caches that the real neurotools wrote: how it wrote arguments down, its files, and what may be served from them.

Nothing here is asked for a result of ours.
"""
