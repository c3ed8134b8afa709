"""`linviz train`: train models of one's own, on the task that comes with linviz or on a folder of videos."""
