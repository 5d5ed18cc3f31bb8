"""What a meeting is: frozen values and rules, with no await, no clock and no SQL."""
