"""From stored predictions to numbers; the job that lays out the map of the images."""
