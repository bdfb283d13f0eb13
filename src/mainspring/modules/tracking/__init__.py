"""Experiments, runs, params, metrics, tags, inputs and logged models."""
