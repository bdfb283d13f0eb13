"""Real components that the tests start themselves: on free ports of loopback, in temporary folders, stopped by pid."""
