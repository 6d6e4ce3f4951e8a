"""The desk in the trader's pocket: it tells, asks and obeys through a Telegram bot."""
