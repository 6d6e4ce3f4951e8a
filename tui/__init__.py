"""The desk: a thin client that draws the engine's snapshots and sends the trader's commands."""
