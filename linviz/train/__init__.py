"""`linviz train`: train your own models, on a task of linviz or on a folder of videos."""
