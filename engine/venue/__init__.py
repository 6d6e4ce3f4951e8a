"""The exchange as the engine sees it: a port, and Bitget behind it."""
