"""The explorer: pages that choose, ask linviz and show. Nothing is measured here."""
