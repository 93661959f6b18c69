"""How Sphinx makes the manual; built by `make docs`."""

from __future__ import annotations

from importlib.metadata import version as installed

project = "cas and memo"
author = "The cas and memo developers"
copyright = author
release = version = installed("cas-memo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "example"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# Docstrings are Google style with Markdown's single backquotes: both render as code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_use_rtype = False

nitpicky = True
# Names of other projects, whose manuals are not read here so that the build needs no network,
# and names for types that exist for the type checker only.
nitpick_ignore_regex = [(r"py:.*", r"(?!(cas|memo)\.).*")]

html_theme = "furo"
html_title = "cas and memo"
