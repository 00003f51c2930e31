"""Advice: what is known of a dataset before anything is trained on it, and what to try."""

import streamlit as st

from core.ui.advice.race import show_race
from core.ui.advice.view import INTRODUCTION, choose_dataset, show_advice
from core.ui.frame.errors import error_box
from core.ui.frame.page import show_page
from core.ui.widgets.glossary import explain_all


def body() -> None:
    st.title("Advice")
    st.markdown(INTRODUCTION, help=explain_all("pre-trained", "features", "training images"))
    dataset = choose_dataset()
    if dataset is not None:
        with error_box():
            show_advice(dataset)
        with error_box():
            show_race(dataset)


show_page("advice", body)
