"""One writer for every kind of file that a view can become."""
