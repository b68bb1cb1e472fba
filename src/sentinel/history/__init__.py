"""History: the durable record of alerts, what people did, and the events behind them."""
