"""What was asked and what came out: specs, the store, kept weights, live answers, forecasts."""
