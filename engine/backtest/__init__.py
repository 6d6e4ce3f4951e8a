"""History and made-up markets: the same core and the same engine on a simulated Bitget in this process."""
