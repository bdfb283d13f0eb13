"""Everything that can be replaced: a port and its back-ends in one folder each."""
