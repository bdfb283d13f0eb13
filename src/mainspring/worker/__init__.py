"""Work beside requests: the periodic tasks of all modules, run by one process of those on a database."""
