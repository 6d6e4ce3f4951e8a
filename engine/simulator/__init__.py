"""A simulated Bitget: matching, margin, funding and liquidation behind Bitget's own wire."""
