"""The page Many samples: distributions of a survey, per layer and head, mechanisms side by side."""
