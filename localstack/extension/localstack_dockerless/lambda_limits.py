"""What Lambda takes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

SYNCHRONOUS_EVENT_BYTES = 6 * 1024 * 1024
ASYNCHRONOUS_EVENT_BYTES = 1024 * 1024
