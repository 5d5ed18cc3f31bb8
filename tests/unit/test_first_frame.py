"""What `bench/first_frame.py` makes of the times that a page tells."""

from bench.first_frame import median_steps


def test_steps_are_medians_of_their_first_time_in_order():
    """A step's time is the median over the runs of when it first happened."""
    runs = [
        {"steps": [["later", 30.0], ["early", 2.0], ["early", 9.0]]},
        {"steps": [["early", 1.0], ["later", 10.0]]},
        {"steps": [["early", 3.0], ["later", 20.0]]},
    ]
    assert median_steps(runs) == [("early", 2.0), ("later", 20.0)]


def test_steps_of_few_runs_are_left_out():
    """What happened in less than half of the runs says nothing about the median run."""
    runs = [{"steps": [["always", 1.0], ["once", 5.0]]}, *[{"steps": [["always", 1.0]]}] * 2]
    assert median_steps(runs) == [("always", 1.0)]
