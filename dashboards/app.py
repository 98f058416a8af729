"""The dashboard: ``costlab dashboard`` serves this file; every file in ``pages`` is a page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from costlab.ui.pages import pages

HERE = Path(__file__).resolve().parent
# a named icon as page icon would be fetched from the internet
st.set_page_config(
    page_title="costlab", page_icon=str(HERE / "logo-mark.svg"), layout="wide", initial_sidebar_state=230
)
st.html(HERE / "style.css")
st.logo(str(HERE / "logo.svg"), size="large", icon_image=str(HERE / "logo-mark.svg"))
found = pages(HERE / "pages")
st.navigation(
    [
        st.Page(page.path, title=page.title, icon=page.icon, url_path=page.address, default=page is found[0])
        for page in found
    ]
).run()
