"""Workers: who serves the queue of jobs, what each runs, and how much waits."""

import streamlit as st

from core.ui.frame.page import link_to, show_page
from core.ui.workers import show_workers


def body() -> None:
    st.title("Workers")
    show_workers()
    link_to("watch", "Back to the runs")


show_page("workers", body)
