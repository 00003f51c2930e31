"""The router: the list of pages is ``core.ui.frame.PAGES``; navigation, nothing else."""

from core.ui.frame import route

route()
