"""How Sphinx makes the site: `make docs`, strictly in `make lint`.

The source folder is the project's root, so a relative link means the same here and where the files are browsed.
Nothing in the site comes from elsewhere: formulas are MathML, pictures are files, fonts are the reader's.
"""

import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs import tables  # noqa: E402 (Sphinx runs this file from elsewhere)

project = "Voxmood"
html_title = "Voxmood"
author = copyright = "the Voxmood authors"
html_show_copyright = False
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "bench/*.md", "services/sentiment/MODEL_CARD.md"]
exclude_patterns = [".*", "build", "data", "models", "runs", "tests", "clients", "deploy"]

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
highlight_language = "text"

html_theme = "furo"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1f6f8b", "color-brand-content": "#1f6f8b"},
    "dark_css_variables": {"color-brand-primary": "#6fb7d0", "color-brand-content": "#6fb7d0"},
}
html_math_renderer = "mathml"
html_static_path = html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False


def mathml(self: Any, node: nodes.math | nodes.math_block) -> None:
    """A formula as browsers read it themselves."""
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def fill_in(_: Sphinx, __: str, source: list[str]) -> None:
    """A page with the tables that are made of the code."""
    source[0] = tables.fill(source[0])


def begin_at_the_index(app: Sphinx, error: Exception | None) -> None:
    """The first page has its place among the others: lead there from the top."""
    if error:
        return
    page = '<!doctype html><title>Voxmood</title><meta http-equiv="refresh" content="0; url=docs/index.html">\n'
    (Path(app.outdir) / "index.html").write_text(page)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.connect("source-read", fill_in)
    app.connect("build-finished", begin_at_the_index)
