"""The shared store: entries, function records and blobs as plain named objects, in a folder or over obstore.

No locks and no database, so that hosts may share it which share nothing else.
"""
