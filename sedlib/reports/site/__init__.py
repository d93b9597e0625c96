"""The report site: the results, the notebooks, timelines and errors to listen to, the cards.

Each page is one file that needs no other and no network, assembled as those of
`sedlib.reports.timeline` are. The templates, the style and the script are the files beside the
modules; ``notebook.html.j2`` is for nbconvert, the others are for `pages.render`.
"""

from sedlib.reports.site.build import write_site
