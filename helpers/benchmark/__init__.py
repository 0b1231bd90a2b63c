"""Everything that the course has measured, measured again: python -m helpers.benchmark."""
