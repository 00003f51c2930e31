"""The one room that imports streamlit: page frame, cached reads, forms, live views."""
