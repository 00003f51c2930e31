"""The pages, and two addresses for machines: ``streamlit run serve.py`` where others watch.

``/health`` and ``/metrics`` are in ``core.ui.frame.probes``; docs/deploy.md says who may see them.
"""

import streamlit as st

from core.settings import PROJECT_ROOT
from core.ui.frame.probes import routes

app = st.App(PROJECT_ROOT / "app.py", routes=routes())
