"""The durable record of what came in and what went out, and its queries."""
