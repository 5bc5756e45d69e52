"""A small synthetic study, to try Fineray without a patient's image."""
