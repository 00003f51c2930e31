"""The one part of core that imports streamlit."""
