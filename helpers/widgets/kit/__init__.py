"""What the widgets are built of: base, controls, pictures to choose from, short training runs, the tests' driver."""
