"""The official FOCUS validator against costlab's exports, and against exports with planted faults.

``python -m tests.focus_validator [FILE.parquet]`` installs and runs it by hand; pytest runs it as slow tests where it
is installed, or where COSTLAB_FOCUS_VALIDATOR names a folder to install it in. It lives in an environment of its own,
because it pins old versions of what costlab uses.
"""
