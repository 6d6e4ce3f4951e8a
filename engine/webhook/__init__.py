"""TradingView's alerts, taken over HTTP and turned into entries and exits."""
