"""What surrounds every page: name, look, logo, navigation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from costlab.paths import shipped
from costlab.ui.pages import pages

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

_FRAMED = "costlab:framed"
_SIDEBAR_WIDTH = 230


def framed() -> Page:
    """Draw the frame and return the page that the URL names."""
    folder = shipped("dashboards")
    # a named icon as page icon would be fetched from the internet
    st.set_page_config(
        page_title="costlab",
        page_icon=str(folder / "logo-mark.svg"),
        layout="wide",
        initial_sidebar_state=_SIDEBAR_WIDTH,
    )
    st.html(folder / "style.css")
    st.logo(str(folder / "logo.svg"), size="large", icon_image=str(folder / "logo-mark.svg"))
    found = pages(folder / "pages")
    st.session_state[_FRAMED] = True
    return st.navigation(
        [
            st.Page(page.path, title=page.title, icon=page.icon, url_path=page.address, default=page is found[0])
            for page in found
        ]
    )


def never_alone() -> None:
    """Run the page again inside its frame when it runs without.

    Until ``st.navigation`` was called once in a server's life, Streamlit takes the folder ``pages`` for its old way of
    having pages, and runs the file that a link names alone.
    """
    if not st.session_state.pop(_FRAMED, False):
        framed()
        st.rerun()
