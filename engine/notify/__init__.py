"""What the trader is told, and may ask, away from the desk: Telegram, and other alerts through Apprise."""
