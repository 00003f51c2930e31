"""The recorded series that forecasts learn from: datasets, trainings, one file of results."""
