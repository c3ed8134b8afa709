"""Files that visitors bring stay in memory: no part of one lies on a disk, not even while it comes."""
from starlette.formparsers import MultiPartParser

MultiPartParser.spool_max_size = 1 << 28  # bytes, more than may be uploaded: else a file lies on a disk as it comes
STAYS = ("A file stays in the memory of this visit and is written nowhere. It is gone when the visit ends: three "
         "minutes after the page was closed.")
