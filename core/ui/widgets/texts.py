"""What Streamlit's Markdown can do beyond showing text."""


def in_text_colour(label: str) -> str:
    """``label``, itself Markdown, in the theme's grey for text, also where a widget takes another.

    Streamlit writes the chosen one of several buttons in the accent colour, which on a dark page
    cannot keep 4.5:1 together with the white text of primary buttons.
    """
    return f":gray[{label}]"
