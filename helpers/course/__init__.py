"""The course about itself, as notebook 00 shows it: map, index of claims and questions, and what the kernel has."""

from .environment import describe_environment
from .index import course_index
from .map import LESSONS, NOTEBOOKS, course_map

__all__ = ["LESSONS", "NOTEBOOKS", "course_index", "course_map", "describe_environment"]
