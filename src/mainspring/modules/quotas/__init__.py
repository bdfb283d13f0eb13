"""How much a project may have: runs, files, models and the like."""
