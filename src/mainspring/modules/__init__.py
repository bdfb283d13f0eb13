"""The product: one folder a module, each importing only those listed below it in the architecture."""
