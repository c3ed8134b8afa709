"""The page Claims: six published statements about attention, tried on a picture."""
