"""What the dashboard's pages are made of: loaders, charts, formatting, state in the URL, the launcher.

Loaders ask :class:`costlab.lab.Lab` and return plain values; charts turn those into Vega-Lite; only ``session`` and
``parts`` know Streamlit.
"""
