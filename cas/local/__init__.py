"""The default store: one directory on a local disk.

`index` (SQLite) and `blobs` (files) are the only modules that say SQL or touch the disk; `layout` is the only
one that spells a path; `locks` and `claims` are what keeps processes out of each other's way.
"""
