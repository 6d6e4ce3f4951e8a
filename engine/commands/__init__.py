"""What each word on the command line does. A command imports only what it needs, when it is called."""
