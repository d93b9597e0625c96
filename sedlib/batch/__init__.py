"""Detection in many files, which can be interrupted and continued, and its evaluation.

`search` finds the media files. The output folder holds a file of events for each recording
(`names` says which) and the hidden folder ``.sedlib``, in which `record` keeps what each of them
was made from. `plan` finds what is not done yet, and `run` detects it: in this process, or several
files at a time in a `pool`, of `processes` of this machine or of a `cluster`. `reference` reads
annotations and `compare` scores the events against them. `pages` makes a page to look at and
listen to for each recording, and an index of the pages.

TensorFlow, which takes many seconds to load, is imported only when there is something to score.
"""

from sedlib.batch.counts import count_table
from sedlib.batch.names import INDEX, METRICS
from sedlib.batch.pages import write_index
from sedlib.batch.plan import Options, Outcome, Task, outdated_results, plan_tasks
from sedlib.batch.run import detect_tasks
from sedlib.batch.search import search_places
