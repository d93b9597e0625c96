"""Pages to look at and listen to: a timeline of each recording, and an index of them.

A page is a single file that works offline, under a Content-Security-Policy that lets
only its own script run. Scripts and styles are the files beside the modules; ``vendor`` holds
wavesurfer.js, which draws the waveform and moves the cursor (``make vendor`` updates it).
"""

from sedlib.reports.timeline.assembly import assemble, read_parts, template_environment
from sedlib.reports.timeline.colours import page_colours
from sedlib.reports.timeline.index import index_page
from sedlib.reports.timeline.page import class_summary, mark_events, show_timeline, timeline_page
from sedlib.reports.timeline.sound import embed
