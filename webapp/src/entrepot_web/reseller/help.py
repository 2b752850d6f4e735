"""The user guide: a page per article, the same text in the drawer, and a search."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, render_template, request

from entrepot_web.articles import find_topic, matching, topics
from entrepot_web.auth.sessions import signed_in
from entrepot_web.reseller.pages import page

pages = Blueprint("console_help", __name__)
FRAGMENT = "help-body"
"""Id of the region that asks for an article alone."""


@pages.get("/help")
@signed_in()
def help_contents() -> Response:
    """Show all articles, or those that hold the words asked for."""
    text = request.args.get("q", "").replace("\0", "").strip()[:200]
    found = matching(text) if text else list(topics())
    return page("reseller/help.html", "", found=found, text=text)


@pages.get("/help/<name>")
@signed_in()
def help_article(name: str) -> Response:
    """Show an article: a page, or its text alone for the drawer."""
    found = find_topic(name)
    if found is None:
        abort(404)
    if request.headers.get("HX-Target", "").endswith("#" + FRAGMENT):
        html = render_template("reseller/_help.html", article=found)
        return make_response(html)
    return page("reseller/help_article.html", "", article=found, articles=topics())
