"""Which files to detect events in, on this machine and in object stores."""

from sedlib.audio import MEDIA_SUFFIXES, search_media
from sedlib.errors import SedlibError
from sedlib.places import is_remote, list_files


def search_places(places):
    """Search files and folders for media files.

    Parameters
    ----------
    places : iterable of pathlib.Path or upath.UPath
        See `sedlib.places.parse_place`.

    Returns
    -------
    sedlib.audio.MediaSearch
        As `sedlib.audio.search_media` returns it; what is in stores follows what is on this
        machine.
    """
    places = list(places)
    search = search_media(place for place in places if not is_remote(place))
    for place in filter(is_remote, places):
        try:
            inside, refused = list_files(place)
        except SedlibError as error:
            search.closed[place] = str(error).removeprefix(f"{place}: ")
            continue
        search.closed |= refused
        media = {file for file in inside if file.suffix.lower() in MEDIA_SUFFIXES}
        if list(inside) == [place]:  # a file that is named is tried whatever its suffix
            media.add(place)
        search.passed_over.extend(file for file in inside if file not in media)
        if not media:
            search.empty.append(place)
        search.files |= {file: name for file, name in inside.items() if file in media}
    return search
