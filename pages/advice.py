"""Advice: what to run first on a dataset, before anything is trained on it."""

import streamlit as st

from core.ui.advice.view import INTRODUCTION, choose_dataset, show_advice
from core.ui.frame.page import show_page


def body() -> None:
    st.title("Advice")
    st.markdown(INTRODUCTION)
    dataset = choose_dataset()
    if dataset is not None:
        show_advice(dataset)


show_page("advice", body)
