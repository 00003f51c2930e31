"""The router: the list of pages is ``core.ui.frame.page.PAGES``; navigation, nothing else."""

from core.ui.frame.page import route

route()
