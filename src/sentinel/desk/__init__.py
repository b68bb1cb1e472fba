"""The desk: alerts opened, understood and answered in a browser."""
