"""The running process: settings, wiring, middlewares, delivery to the chat, command line. Nobody imports it."""
