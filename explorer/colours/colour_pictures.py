"""A person's own pictures on the page Colours."""
from ..shared.picture_uploads import PictureUploads

SQUARE = "The largest square in the middle of the picture is taken. Of a clip it is the first frame."
PICTURES = PictureUploads("colours", SQUARE)
